// Unigram: of all ways to cut a word into tokens, the one with the highest sum of scores.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "tokenizer/model.h"
#include "tokenizer/trie.h"

namespace vecton::tokenizer {

namespace {

constexpr double kUnknownPenalty = 10.0;  // below the worst token

class Unigram : public Model {
 public:
  explicit Unigram(const Field& field) : byte_fallback_(field.boolean_or("byte_fallback", false)) {
    const Field tokens = field["vocab"];
    const size_t count = tokens.array().size();
    vocabulary_.reserve(count, count * 8);
    scores_.reserve(count);
    std::vector<std::pair<std::string_view, int32_t>> keys;
    keys.reserve(count);
    double lowest = std::numeric_limits<double>::infinity();
    for (const json::value& item : tokens.array()) {
      const json::array* pair = item.if_array();
      const json::string* token = pair && pair->size() == 2 ? (*pair)[0].if_string() : nullptr;
      const json::value* number = token ? &(*pair)[1] : nullptr;
      if (!number || !number->is_number())
        tokens.fail(ErrorCode::kCorrupt, "must hold pairs of a token and its score");
      const double score = number->to_number<double>();
      if (!std::isfinite(score)) tokens.fail(ErrorCode::kCorrupt, "has a score that is not finite");
      const int32_t id = static_cast<int32_t>(scores_.size());
      const std::string_view bytes(token->data(), token->size());
      vocabulary_.add(bytes, id);
      keys.emplace_back(bytes, id);
      scores_.push_back(score);
      lowest = std::min(lowest, score);
    }
    unknown_score_ = lowest - kUnknownPenalty;
    trie_.build(std::move(keys));
    if (field.has("unk_id")) {
      unknown_ = field["unk_id"].id();
      if (static_cast<size_t>(unknown_) >= count)
        field["unk_id"].fail(ErrorCode::kCorrupt, "is not in the vocabulary");
    }
    read_fallback();
  }

  void encode(std::string_view word, ModelScratch& scratch, Tokens& out) const override {
    const uint64_t hash = hash_bytes(word);
    if (!out.with_spans) {
      if (const auto ids = scratch.cache.find(word, hash); !ids.empty()) {
        out.ids.insert(out.ids.end(), ids.begin(), ids.end());
        return;
      }
    }
    const size_t first = out.ids.size();
    find_best(word, scratch.nodes);
    emit(word, scratch, out);
    scratch.cache.put(word, hash, std::span(out.ids).subspan(first));
  }

 private:
  static constexpr uint32_t kUnreached = UINT32_MAX;

  void read_fallback() {
    for (int byte = 0; byte < 256; ++byte) {
      char code[8];
      std::snprintf(code, sizeof code, "<0x%02X>", byte);
      fallback_[byte] = vocabulary_.find(code);
    }
  }

  // nodes[p]: the best way to cut the first p bytes.
  void find_best(std::string_view word, std::vector<ModelScratch::Node>& nodes) const {
    nodes.assign(word.size() + 1, {0.0, 0, kUnreached});
    nodes[0].begin = 0;
    for (size_t at = 0; at < word.size();) {
      const size_t character = at + unicode::length_at(word, at);
      const double so_far = nodes[at].score;
      bool single = false;  // a token that is this one character
      const auto offer = [&](size_t end, int32_t id, double score) {
        ModelScratch::Node& node = nodes[end];
        if (node.begin == kUnreached || score > node.score)
          node = {score, id, static_cast<uint32_t>(at)};
      };
      trie_.walk(word, at, [&](size_t end, int32_t id) {
        offer(end, id, scores_[id] + so_far);
        single |= end == character;
      });
      if (!single) {
        if (unknown_ == Vocabulary::kNone) {
          throw Error(
              ErrorCode::kInvalidArgument,
              "the text has a character that the vocabulary lacks, and it has no unknown token");
        }
        offer(character, unknown_, unknown_score_ + so_far);
      }
      at = character;
    }
  }

  // Walks the best way back; unknown characters side by side are one token.
  void emit(std::string_view word, ModelScratch& scratch, Tokens& out) const {
    std::vector<Span>& pieces = scratch.pieces;
    pieces.clear();
    bool unknown = false;
    for (uint32_t end = static_cast<uint32_t>(word.size()); end > 0;) {
      const ModelScratch::Node& node = scratch.nodes[end];
      const bool here = node.id == unknown_;
      if (here && unknown) {
        pieces.back().begin = node.begin;
      } else {
        pieces.push_back({node.begin, end});
      }
      unknown = here;
      end = node.begin;
    }
    for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) {
      emit_piece(word.substr(piece->begin, piece->end - piece->begin), *piece, out);
    }
  }

  void emit_piece(std::string_view piece, Span span, Tokens& out) const {
    const int32_t id = vocabulary_.find(piece);
    if (id != Vocabulary::kNone) return out.add(id, span.begin, span.end);
    const auto falls_back = [this](char byte) {
      return fallback_[static_cast<unsigned char>(byte)] != Vocabulary::kNone;
    };
    if (byte_fallback_ && std::all_of(piece.begin(), piece.end(), falls_back)) {
      for (const char byte : piece)
        out.add(fallback_[static_cast<unsigned char>(byte)], span.begin, span.end);
    } else {
      out.add(unknown_, span.begin, span.end);
    }
  }

  bool byte_fallback_;
  std::vector<double> scores_;
  Trie trie_;
  int32_t unknown_ = Vocabulary::kNone;
  double unknown_score_ = 0;
  int32_t fallback_[256];  // "<0x00>" ...
};

}  // namespace

std::unique_ptr<const Model> make_unigram(const Field& field) {
  return std::make_unique<Unigram>(field);
}

}  // namespace vecton::tokenizer
