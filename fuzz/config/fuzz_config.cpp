// Any bytes as one of the JSON files of a model folder: config.json, or a file that
// sentence-transformers reads. Each is refused with an Error or read.
//
// The first byte chooses the file, the rest is its contents; the other files of the folder are
// sound.
//
//   fuzz_config -max_len=2048 -dict=fuzz/config/dictionary fuzz/config/corpus
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/temporary_folder.h"
#include "checkpoint/config.h"
#include "checkpoint/sentence_transformers.h"
#include "vecton/error.h"

namespace {

struct SoundFile {
  const char *name, *contents;
};
constexpr SoundFile kFiles[] = {
    {"modules.json", R"([{"path":"","type":"sentence_transformers.models.Transformer"},
                         {"path":"1_Pooling","type":"sentence_transformers.models.Pooling"},
                         {"path":"2_Dense","type":"sentence_transformers.models.Dense"},
                         {"path":"3_Normalize","type":"sentence_transformers.models.Normalize"}])"},
    {"1_Pooling/config.json", R"({"word_embedding_dimension":8})"},
    {"2_Dense/config.json", R"({"in_features":8,"out_features":4})"},
    {"3_Normalize/config.json", "{}"},
    {"sentence_bert_config.json", R"({"max_seq_length":48})"},
    {"config_sentence_transformers.json", "{}"},
};

struct Folder : vecton::base::TemporaryFolder {
  Folder() {
    for (const SoundFile& file : kFiles) write(file.name, file.contents);
  }
};

template <typename F>
void attempt(F f) {
  try {
    f();
  } catch (const vecton::Error&) {
  }
}

// Asks for every key as every type.
void read_config(std::string_view text) {
  attempt([&] {
    const vecton::json::value document = vecton::base::parse_json(text, "config.json");
    if (!document.is_object()) return;
    const vecton::checkpoint::Config config(document.get_object(), "config.json");
    attempt([&] { config.check_read(); });
    for (const auto& member : document.get_object()) {
      const std::string_view key = member.key();
      attempt([&] { config.integer(key); });
      attempt([&] { config.number(key); });
      attempt([&] { config.boolean_or(key, true); });
      attempt([&] { config.string(key); });
      attempt([&] { config.strings_or_empty(key); });
      attempt([&] { config.integers_or_empty(key); });
      attempt([&] { config.child(key); });
      attempt([&] { config.require(key, false); });
    }
    attempt([&] { config.check_read(); });
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Folder folder;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t choice = data[0] % (std::size(kFiles) + 1);
  if (choice == std::size(kFiles)) {
    read_config(text);
    return 0;
  }
  folder.write(kFiles[choice].name, text);
  attempt([&] { vecton::checkpoint::SentenceTransformer::read(folder.path()); });
  folder.write(kFiles[choice].name, kFiles[choice].contents);
  return 0;
}
