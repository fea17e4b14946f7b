// Any bytes as a GGUF file. It is refused with an Error, or its configuration and its tokenizer are
// made and the first and the last row of every matrix are read.
//
//   fuzz_gguf -max_len=8192 -dict=fuzz/gguf/dictionary fuzz/gguf/corpus
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backend/ref/ref_ops.h"
#include "base/json.h"
#include "checkpoint/gguf/config.h"
#include "checkpoint/gguf/tensors.h"
#include "checkpoint/quantised/quantised_tensor.h"
#include "gguf/file.h"
#include "tokenizer/gguf_tokenizer.h"
#include "vecton/error.h"

using namespace vecton;  // NOLINT: a program of one file

static void read_rows(Ops& ops, const tensor::Weight& weight) {
  const auto table = ops.prepare_table(weight);
  const Ops::Lookup rows{*table, ops.upload_indices({0, static_cast<int32_t>(weight.rows - 1)})};
  ops.embed({&rows, 1});
}

// Each part has its own reasons to refuse a file.
template <typename F>
static void attempt(F f) {
  try {
    f();
  } catch (const Error&) {
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::unique_ptr<Ops> ops = backend::make_ref_ops();
  // A block of its own, so that a read past the end is found.
  const std::vector<uint8_t> bytes(data, data + size);
  attempt([&] {
    const gguf::File file = gguf::File::parse(std::as_bytes(std::span(bytes)), "file");
    attempt([&] {
      checkpoint::gguf_config(file, {}).check_read();
      checkpoint::gguf_pooling(file);
      checkpoint::gguf_dense_modules(file, "file");
    });
    attempt([&] {
      tokenizer::TokenizerSettings settings;
      tokenizer::gguf_tokenizer(file, settings, {});
    });
    for (const auto& [name, tensor] : checkpoint::gguf_tensors(file)) {
      if (tensor.quantised) read_rows(*ops, tensor.quantised->weight());
      if (tensor.compute) tensor.compute();
    }
  });
  return 0;
}
