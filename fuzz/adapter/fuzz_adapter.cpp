// Any bytes as adapter_config.json, or as an adapter's weights: the adapter is refused with an
// Error, or merged into a small base and every merged tensor computed.
//
// Inputs whose first byte is even are the settings, others the weights.
//
//   fuzz_adapter -max_len=4096 -dict=fuzz/adapter/dictionary fuzz/adapter/corpus
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/temporary_folder.h"
#include "checkpoint/adapter.h"
#include "checkpoint/test_tensors.h"
#include "vecton/error.h"

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSettings =
    R"({"peft_type":"LORA","base_model_name_or_path":"org/base","r":1,"lora_alpha":2})";

struct Folder : vecton::base::TemporaryFolder {
  Folder() {
    using Arrays = std::vector<vecton::testing::NamedArray>;
    vecton::testing::write_safetensors(path() / "base.safetensors",
                                       Arrays{{"up.weight", {2, 3}, {1, 2, 3, 4, 5, 6}},
                                              {"up.bias", {2}, {1, 2}},
                                              {"words.weight", {3, 2}, {0, 0, 0, 0, 0, 0}}});
    vecton::testing::write_safetensors(
        path() / "sound.safetensors",
        Arrays{{"base_model.model.up.lora_A.weight", {1, 3}, {1, 2, 3}},
               {"base_model.model.up.lora_B.weight", {2, 1}, {1, 2}},
               {"base_model.model.words.lora_embedding_A", {1, 3}, {1, 2, 3}},
               {"base_model.model.words.lora_embedding_B", {2, 1}, {1, 2}}});
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Folder folder;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool settings = data[0] % 2 == 0;
  folder.write(std::string(vecton::checkpoint::kAdapterConfig), settings ? text : kSettings);
  const fs::path weights = folder.path() / vecton::checkpoint::kAdapterWeights[0];
  fs::remove(weights);
  if (settings) {
    fs::copy_file(folder.path() / "sound.safetensors", weights);
  } else {
    folder.write(std::string(vecton::checkpoint::kAdapterWeights[0]), text);
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
