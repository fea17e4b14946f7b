// WordPiece: the longest token that starts the word, then the longest that continues it, and so on.
#include "base/utf8.h"
#include "tokenizer/model.h"

namespace vecton::tokenizer {

namespace {

class WordPiece : public Model {
 public:
  explicit WordPiece(const Field& field)
      : prefix_(field.string_or("continuing_subword_prefix", "##")) {
    read_vocabulary(field["vocab"], vocabulary_);
    unknown_ = vocabulary_.find(field.string_or("unk_token", "[UNK]"));
    if (field.has("max_input_chars_per_word"))
      longest_word_ = field["max_input_chars_per_word"].count();
    const json::object& tokens = field["vocab"].object();
    continuing_.reserve(tokens.size() / 4, tokens.size());
    for (const auto& [token, id] : tokens) {
      const std::string_view bytes(token.data(), token.size());
      if (bytes.starts_with(prefix_))
        continuing_.add(bytes.substr(prefix_.size()), static_cast<int32_t>(id.get_int64()));
    }
  }

  void encode(std::string_view word, ModelScratch& scratch, Tokens& out) const override {
    const uint64_t hash = hash_bytes(word);
    const int32_t whole = fits(word) ? vocabulary_.find(word, hash) : Vocabulary::kNone;
    if (whole != Vocabulary::kNone) return out.add(whole, 0, static_cast<uint32_t>(word.size()));
    if (!out.with_spans) {
      if (const auto ids = scratch.cache.find(word, hash); !ids.empty()) {
        out.ids.insert(out.ids.end(), ids.begin(), ids.end());
        return;
      }
    }
    const size_t first = out.ids.size();
    if (!fits(word) || !encode_pieces(word, out)) {
      if (unknown_ == Vocabulary::kNone) {
        throw Error(ErrorCode::kInvalidArgument,
                    "the text has a word that the vocabulary lacks, and it has no unknown token");
      }
      out.resize(first);
      out.add(unknown_, 0, static_cast<uint32_t>(word.size()));
    }
    scratch.cache.put(word, hash, std::span(out.ids).subspan(first));
  }

  std::string_view continuing_subword_prefix() const override { return prefix_; }

 private:
  bool fits(std::string_view word) const {
    if (word.size() <= static_cast<size_t>(longest_word_)) return true;
    if (word.size() > 4 * static_cast<size_t>(longest_word_)) return false;
    return static_cast<int64_t>(utf8::count(word)) <= longest_word_;
  }

  // False when some part of the word is no token.
  bool encode_pieces(std::string_view word, Tokens& out) const {
    for (size_t at = 0; at < word.size();) {
      const Vocabulary& pieces = at == 0 ? vocabulary_ : continuing_;
      size_t end = std::min(word.size(), at + pieces.longest());
      int32_t id = Vocabulary::kNone;
      for (; end > at; --end) {
        const bool boundary = end == word.size() || utf8::begins_character(word[end]);
        if (boundary && (id = pieces.find(word.substr(at, end - at))) != Vocabulary::kNone) break;
      }
      if (id == Vocabulary::kNone) return false;
      out.add(id, static_cast<uint32_t>(at), static_cast<uint32_t>(end));
      at = end;
    }
    return true;
  }

  std::string prefix_;
  Vocabulary continuing_;  // tokens behind the prefix
  int32_t unknown_ = Vocabulary::kNone;
  int64_t longest_word_ = 100;
};

}  // namespace

std::unique_ptr<const Model> make_wordpiece(const Field& field) {
  return std::make_unique<WordPiece>(field);
}

}  // namespace vecton::tokenizer
