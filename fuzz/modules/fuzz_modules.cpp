// Any bytes as the configuration of one sentence-transformers module, in a folder whose other files
// are sound. Each is refused with an Error or read.
//
// The first byte chooses the module, the rest is its file's contents.
//
//   fuzz_modules -max_len=2048 -dict=fuzz/modules/dictionary fuzz/modules/corpus
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>

#include "base/temporary_folder.h"
#include "checkpoint/late_interaction.h"
#include "checkpoint/sentence_transformers.h"
#include "vecton/error.h"

namespace {

namespace fs = std::filesystem;

// A list of modules, and the file of it that is fuzzed.
struct Module {
  const char *types, *file;
};
constexpr Module kModules[] = {
    {"Transformer Pooling", "1_Module/config.json"},
    {"Transformer WeightedLayerPooling Pooling", "1_Module/config.json"},
    {"Transformer Pooling Dense", "2_Module/config.json"},
    {"Transformer Pooling LayerNorm", "2_Module/config.json"},
    {"Transformer Pooling Normalize", "2_Module/config.json"},
    {"Transformer Pooling Dropout", "2_Module/config.json"},
    {"MLMTransformer SpladePooling", "1_Module/config.json"},
    {"Transformer MultiVectorMask Normalize", "1_Module/config.json"},
    {"Transformer LogitScore", "1_Module/config.json"},
    {"StaticEmbedding", "config.json"},
    {"SparseStaticEmbedding", "config.json"},
    {"Router", "router_config.json"},
    {"Asym", "config.json"},
    {"Transformer Pooling", "sentence_bert_config.json"},
    {"Transformer Dense", "config_sentence_transformers.json"},
    {"Transformer Dense", "modules.json"},
};

std::string modules_of(std::string_view types) {
  std::string json = "[";
  for (int i = 0; !types.empty(); ++i) {
    const size_t end = std::min(types.find(' '), types.size());
    const std::string path = i == 0 ? "" : std::to_string(i) + "_Module";
    json += (i == 0 ? "" : ",") + std::string("{\"path\":\"") + path +
            "\",\"type\":\"sentence_transformers.models." + std::string(types.substr(0, end)) +
            "\"}";
    types.remove_prefix(std::min(end + 1, types.size()));
  }
  return json + "]";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const vecton::base::TemporaryFolder folder;
  if (size == 0) return 0;
  const Module& module = kModules[data[0] % std::size(kModules)];
  std::error_code ignored;
  fs::remove_all(folder.path(), ignored);
  folder.write("modules.json", modules_of(module.types));
  for (const char* each : {"1_Module/config.json", "2_Module/config.json"})
    folder.write(each, R"({"embedding_dimension":8,"in_features":8,"out_features":4,"dimension":8,
                           "true_token_id":1})");
  folder.write(module.file, {reinterpret_cast<const char*>(data) + 1, size - 1});
  try {
    const auto model = vecton::checkpoint::SentenceTransformer::read(folder.path());
    for (const vecton::checkpoint::ModulePipeline& pipeline : model.pipelines) {
      if (model.is_late_interaction(pipeline))
        vecton::checkpoint::LateInteraction::read_modules(folder.path(), model, pipeline);
    }
  } catch (const vecton::Error&) {
  }
  return 0;
}
