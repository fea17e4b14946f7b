// Any bytes as adapter_config.json, or as an adapter's weights: the adapter is refused with an
// Error, or merged into a small base and every merged tensor computed.
//
// Inputs whose first byte is even are the settings, others the weights.
//
//   fuzz_adapter -max_len=4096 -dict=fuzz/adapter/dictionary fuzz/adapter/corpus
#include <stdlib.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/adapter.h"
#include "checkpoint/test_tensors.h"
#include "vecton/error.h"

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSettings =
    R"({"peft_type":"LORA","base_model_name_or_path":"org/base","r":1,"lora_alpha":2})";

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "vecton-fuzz-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
    using Arrays = std::vector<vecton::testing::NamedArray>;
    vecton::testing::write_safetensors(path_ / "base.safetensors",
                                       Arrays{{"up.weight", {2, 3}, {1, 2, 3, 4, 5, 6}},
                                              {"up.bias", {2}, {1, 2}},
                                              {"words.weight", {3, 2}, {0, 0, 0, 0, 0, 0}}});
    vecton::testing::write_safetensors(
        path_ / "sound.safetensors",
        Arrays{{"base_model.model.up.lora_A.weight", {1, 3}, {1, 2, 3}},
               {"base_model.model.up.lora_B.weight", {2, 1}, {1, 2}},
               {"base_model.model.words.lora_embedding_A", {1, 3}, {1, 2, 3}},
               {"base_model.model.words.lora_embedding_B", {2, 1}, {1, 2}}});
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  void write(std::string_view name, std::string_view contents) const {
    std::ofstream(path_ / name, std::ios::binary) << contents;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Folder folder;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool settings = data[0] % 2 == 0;
  folder.write(vecton::checkpoint::kAdapterConfig, settings ? text : kSettings);
  const fs::path weights = folder.path() / vecton::checkpoint::kAdapterWeights[0];
  fs::remove(weights);
  if (settings) {
    fs::copy_file(folder.path() / "sound.safetensors", weights);
  } else {
    folder.write(vecton::checkpoint::kAdapterWeights[0], text);
  }
  try {
    const auto adapter = vecton::checkpoint::Adapter::find(folder.path());
    if (!adapter) return 0;
    auto base = vecton::checkpoint::read_safetensors(folder.path() / "base.safetensors");
    for (const auto& [name, tensor] :
         vecton::checkpoint::merge_adapter(std::move(base), *adapter)) {
      if (tensor.compute) tensor.compute();
    }
  } catch (const vecton::Error&) {
  }
  return 0;
}
