#include "tokenizer/model.h"

#include <algorithm>

namespace vecton::tokenizer {

void read_vocabulary(const Field& field, Vocabulary& vocabulary) {
  const json::object& tokens = field.object();
  vocabulary.reserve(tokens.size(), tokens.size() * 8);
  constexpr size_t kAhead = 16;
  const json::object::const_iterator end = tokens.end();
  json::object::const_iterator ahead = tokens.begin() + std::min(kAhead, tokens.size());
  for (const auto& [token, id] : tokens) {
    if (ahead != end) {
      vocabulary.prefetch({ahead->key().data(), ahead->key().size()});
      ++ahead;
    }
    const int64_t* number = id.if_int64();
    if (!number || *number < 0 || *number >= INT32_MAX) {
      field.fail(ErrorCode::kCorrupt,
                 "gives \"" + std::string(token) + "\" something that is not a token id");
    }
    try {
      vocabulary.add({token.data(), token.size()}, static_cast<int32_t>(*number));
    } catch (const Error& error) {
      field.fail(error.code(), std::string("is not usable: ") + error.what());
    }
  }
}

int32_t required_token(const Field& field, const Vocabulary& vocabulary) {
  const int32_t id = vocabulary.find(field.string());
  if (id == Vocabulary::kNone) {
    field.fail(ErrorCode::kCorrupt,
               "is \"" + std::string(field.string()) + "\", which is not in the vocabulary");
  }
  return id;
}

namespace {

// A word is a token or it is unknown.
class WordLevel : public Model {
 public:
  explicit WordLevel(const Field& field) {
    read_vocabulary(field["vocab"], vocabulary_);
    if (field.has("unk_token")) unknown_ = vocabulary_.find(field["unk_token"].string());
  }

  void encode(std::string_view word, ModelScratch&, Tokens& out) const override {
    int32_t id = vocabulary_.find(word);
    if (id == Vocabulary::kNone) id = unknown_;
    if (id == Vocabulary::kNone) {
      throw Error(ErrorCode::kInvalidArgument,
                  "the text has a word that the vocabulary lacks, and it has no unknown token");
    }
    out.add(id, 0, static_cast<uint32_t>(word.size()));
  }

 private:
  int32_t unknown_ = Vocabulary::kNone;
};

// Old files name no type.
std::string_view model_type(const Field& field) {
  if (field.has("type")) return field["type"].string();
  if (field.has("merges")) return "BPE";
  if (field.has("max_input_chars_per_word")) return "WordPiece";
  if (field.has("vocab") && field["vocab"].value().is_array()) return "Unigram";
  return "WordLevel";
}

}  // namespace

bool model_is_bpe(const Field& field) { return model_type(field) == "BPE"; }

std::unique_ptr<const Model> make_model(const Field& field, bool reads_bytes) {
  const std::string_view type = model_type(field);
  if (type == "WordPiece") return make_wordpiece(field);
  if (type == "BPE") return make_bpe(field, reads_bytes);
  if (type == "Unigram") return make_unigram(field);
  if (type == "WordLevel") return std::make_unique<WordLevel>(field);
  field.unsupported(type);
}

}  // namespace vecton::tokenizer
