// A sentence-transformers folder being written by a test: a Transformer at its root and what the
// test adds.
#pragma once

#include <string>

#include "checkpoint/sentence_transformers.h"
#include "checkpoint/test_files.h"

namespace vecton::testing {

inline constexpr const char* kPooling = "sentence_transformers.models.Pooling";
inline constexpr const char* kDense = "sentence_transformers.models.Dense";
inline constexpr const char* kNormalize = "sentence_transformers.models.Normalize";

class ModulesFolder {
 public:
  // A module with its config.json; an empty `config` writes none.
  ModulesFolder& module(const std::string& type, const std::string& config = "") {
    const std::string name = std::to_string(count_++) + "_" + type.substr(type.rfind('.') + 1);
    if (!config.empty()) files_.write(name + "/config.json", config);
    modules_ += R"(, {"idx": 1, "name": "1", "path": ")" + name + R"(", "type": ")" + type + "\"}";
    return *this;
  }
  ModulesFolder& pooling(const std::string& config =
                             R"({"word_embedding_dimension":8,"pooling_mode_mean_tokens":true})") {
    return module(kPooling, config);
  }
  ModulesFolder& transformer(const std::string& config) {
    return file("sentence_bert_config.json", config);
  }
  ModulesFolder& settings(const std::string& config) {
    return file("config_sentence_transformers.json", config);
  }
  ModulesFolder& file(const std::string& name, const std::string& contents) {
    files_.write(name, contents);
    return *this;
  }
  checkpoint::SentenceTransformer read() {
    files_.write("modules.json", "[" + modules_ + "]");
    return checkpoint::SentenceTransformer::read(files_.path());
  }
  // The only pipeline there is.
  checkpoint::ModulePipeline pipeline() { return read().pipelines.at(0); }
  const std::filesystem::path& path() const { return files_.path(); }

 private:
  TemporaryFolder files_;
  int count_ = 1;
  std::string modules_ =
      R"({"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"})";
};

inline checkpoint::SentenceTransformer read_modules(const std::string& modules) {
  const TemporaryFolder folder;
  folder.write("modules.json", modules);
  return checkpoint::SentenceTransformer::read(folder.path());
}

}  // namespace vecton::testing
