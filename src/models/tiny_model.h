// Checkpoints of a few numbers, and the rows that a model makes of an image, for tests of families.
// Included by them only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/config.h"
#include "checkpoint/test_parameters.h"
#include "checkpoint/test_tensors.h"
#include "checkpoint/weights.h"
#include "models/registry.h"

namespace vecton::testing {

// Collects tensors of made-up values.
class TinyWeights {
 public:
  void add(const std::string& name, std::vector<int64_t> shape) {
    int64_t count = 1;
    for (const int64_t n : shape) count *= n;
    arrays_.push_back({name, std::move(shape), sines(count, 0.37)});
  }
  void linear(const std::string& name, int64_t n, int64_t k, bool bias = true) {
    add(name + ".weight", {n, k});
    if (bias) add(name + ".bias", {n});
  }
  void layer_norm(const std::string& name, int64_t n) {
    add(name + ".weight", {n});
    add(name + ".bias", {n});
  }
  // A text model of LLaMA's names: 10 words, one layer of 8 columns whose MLP has 12.
  void llama(const std::string& prefix, bool qkv_bias) {
    add(prefix + "embed_tokens.weight", {10, 8});
    add(prefix + "norm.weight", {8});
    const std::string layer = prefix + "layers.0.";
    for (const char* name : {"input_layernorm", "post_attention_layernorm"})
      add(layer + name + ".weight", {8});
    for (const char* name : {"q_proj", "k_proj", "v_proj"})
      linear(layer + "self_attn." + name, 8, 8, qkv_bias);
    linear(layer + "self_attn.o_proj", 8, 8, false);
    for (const char* name : {"gate_proj", "up_proj"}) linear(layer + "mlp." + name, 12, 8, false);
    linear(layer + "mlp.down_proj", 8, 12, false);
  }

  // Written as model.safetensors of a folder, and opened there.
  checkpoint::Weights open(const std::filesystem::path& folder, Ops& ops) const {
    write_safetensors(folder / "model.safetensors", arrays_);
    return checkpoint::Weights::open(folder, ops);
  }

 private:
  std::vector<NamedArray> arrays_;
};

// What a model whose config and tensors are read whole makes of an image of rows x columns patches,
// a row of the text's width for each block of them.
inline std::vector<float> image_rows(Ops& ops, const checkpoint::Config& config,
                                     const checkpoint::Weights& weights, int64_t rows,
                                     int64_t columns, int64_t patch_values) {
  const auto model = models::find_family(config).load(config, weights);
  weights.check_taken();
  config.check_read();
  tensor::Image image;
  image.rows = rows;
  image.columns = columns;
  const std::vector<float> patches = sines(rows * columns * patch_values, 0.9);
  image.patches.assign(patches.begin(), patches.end());
  const tensor::Image* const images[] = {&image};
  return values_of(ops, model->encode_images(ops, images));
}

// A text with a part of it changed.
inline std::string changed(std::string text, const std::string& from, const std::string& to) {
  text.replace(text.find(from), from.size(), to);
  return text;
}

}  // namespace vecton::testing
