// Byte-pair encoding: a word's characters are joined pair by pair, the pair of lowest rank first,
// the leftmost of equals.
#include <algorithm>
#include <bit>
#include <cstdio>
#include <functional>

#include "tokenizer/byte_level.h"
#include "tokenizer/model.h"

namespace vecton::tokenizer {

namespace {

// Pairs of ids to the rank and the result of their merge.
class MergeTable {
 public:
  struct Merge {
    uint32_t rank = UINT32_MAX;
    int32_t id = Vocabulary::kNone;
  };

  void reserve(size_t count) {
    slots_.assign(std::bit_ceil(std::max<size_t>(count + count / 2, 16)), {});
    mask_ = slots_.size() - 1;
  }
  void prefetch(int32_t left, int32_t right) const {
    __builtin_prefetch(&slots_[slot_of(key_of(left, right))], 1);
  }
  // A pair that is there already gets the new merge. Room must have been reserved.
  void add(int32_t left, int32_t right, Merge merge) {
    const uint64_t key = key_of(left, right);
    size_t at = slot_of(key);
    while (slots_[at].key != kEmpty && slots_[at].key != key) at = (at + 1) & mask_;
    slots_[at] = {key, merge};
  }
  Merge find(int32_t left, int32_t right) const {
    const uint64_t key = key_of(left, right);
    for (size_t at = slot_of(key);; at = (at + 1) & mask_) {
      if (slots_[at].key == key) return slots_[at].merge;
      if (slots_[at].key == kEmpty) return {};
    }
  }

 private:
  static constexpr uint64_t kEmpty = UINT64_MAX;
  struct Slot {
    uint64_t key = kEmpty;
    Merge merge;
  };
  static uint64_t key_of(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  size_t slot_of(uint64_t key) const { return (key * 0x9E3779B97F4A7C15u) >> 32 & mask_; }

  std::vector<Slot> slots_;
  size_t mask_ = 0;
};

class Bpe : public Model {
 public:
  Bpe(const Field& field, bool reads_bytes)
      : reads_bytes_(reads_bytes),
        prefix_(field.string_or("continuing_subword_prefix", "")),
        suffix_(field.string_or("end_of_word_suffix", "")),
        fuse_unknown_(field.boolean_or("fuse_unk", false)),
        byte_fallback_(field.boolean_or("byte_fallback", false)),
        whole_words_(field.boolean_or("ignore_merges", false)) {
    // "dropout" is for training: without it the ids are those that a model is used with.
    if (field.has("dropout") && !(field["dropout"].number() >= 0 && field["dropout"].number() <= 1))
      field["dropout"].fail(ErrorCode::kCorrupt, "must be a number from 0 to 1");
    read_vocabulary(field["vocab"], vocabulary_);
    if (field.has("unk_token")) unknown_ = required_token(field["unk_token"], vocabulary_);
    read_merges(field["merges"]);
    read_bytes_tables();
  }

  std::string_view continuing_subword_prefix() const override { return prefix_; }

  void encode(std::string_view word, ModelScratch& scratch, Tokens& out) const override {
    const uint64_t hash = hash_bytes(word);
    if (whole_words_) {
      const int32_t id = (reads_bytes_ ? byte_words_ : vocabulary_).find(word, hash);
      if (id != Vocabulary::kNone) return out.add(id, 0, static_cast<uint32_t>(word.size()));
    }
    if (!out.with_spans) {
      if (const auto ids = scratch.cache.find(word, hash); !ids.empty()) {
        out.ids.insert(out.ids.end(), ids.begin(), ids.end());
        return;
      }
    }
    const size_t first = out.ids.size();
    scratch.symbols.clear();
    split(word, scratch);
    merge(scratch);
    for (const ModelScratch::Symbol& symbol : scratch.symbols) {
      if (symbol.id != Vocabulary::kNone) out.add(symbol.id, symbol.begin, symbol.end);
    }
    scratch.cache.put(word, hash, std::span(out.ids).subspan(first));
  }

 private:
  static constexpr size_t kAhead = 16;  // merges between asking for memory and using it
  static constexpr size_t kFewSymbols =
      48;  // up to here looking for the lowest rank beats keeping a heap

  void read_merges(const Field& field) {
    const json::array& merges = field.array();
    merges_.reserve(merges.size());
    std::vector<std::string_view> tokens;  // left, right, left, right ...
    tokens.reserve(merges.size() * 2);
    for (const json::value& merge : merges) {
      const auto [left, right] = parts(field, merge);
      if (left.data() == nullptr) continue;
      if (right.size() < prefix_.size()) {
        field.fail(ErrorCode::kCorrupt, "has a part shorter than the subword prefix");
      }
      tokens.push_back(left);
      tokens.push_back(right);
    }
    rank_limit_ = tokens.size() / 2;
    std::vector<int32_t> ids(tokens.size());
    vocabulary_.find_many(tokens, ids);
    std::string whole;
    int32_t id = Vocabulary::kNone;
    for (size_t i = 0; i < tokens.size(); i += 2) {
      if (i + 2 * kAhead < ids.size())
        merges_.prefetch(ids[i + 2 * kAhead], ids[i + 2 * kAhead + 1]);
      whole.assign(tokens[i]).append(tokens[i + 1].substr(prefix_.size()));
      // The next merge mostly makes the same token, where several ways lead to it, or the next.
      if (vocabulary_.token(id) != whole) ++id;
      if (vocabulary_.token(id) != whole || whole.empty())
        id = known(field, whole, vocabulary_.find(whole));
      merges_.add(known(field, tokens[i], ids[i]), known(field, tokens[i + 1], ids[i + 1]),
                  {static_cast<uint32_t>(i / 2), id});
    }
  }

  // ["a", "b"], or "a b" in older files, whose first line may be a comment.
  static std::pair<std::string_view, std::string_view> parts(const Field& field,
                                                             const json::value& merge) {
    if (const json::string* line = merge.if_string()) {
      const std::string_view text(line->data(), line->size());
      if (text.starts_with("#version")) return {};
      const size_t space = text.find(' ');
      if (space != std::string_view::npos && text.find(' ', space + 1) == std::string_view::npos) {
        return {text.substr(0, space), text.substr(space + 1)};
      }
    } else if (const json::array* pair = merge.if_array(); pair && pair->size() == 2) {
      const json::string *left = (*pair)[0].if_string(), *right = (*pair)[1].if_string();
      if (left && right) return {{left->data(), left->size()}, {right->data(), right->size()}};
    }
    field.fail(ErrorCode::kCorrupt, "has an entry that is not a pair of tokens");
  }

  static int32_t known(const Field& field, std::string_view token, int32_t id) {
    if (id != Vocabulary::kNone) return id;
    field.fail(ErrorCode::kCorrupt,
               "names \"" + std::string(token) + "\", which is not in the vocabulary");
  }

  void read_bytes_tables() {
    for (int byte = 0; byte < 256; ++byte) {
      char code[8];
      std::snprintf(code, sizeof code, "<0x%02X>", byte);
      fallback_[byte] = vocabulary_.find(code);
      if (!reads_bytes_) continue;
      std::string character;
      unicode::append(character, byte_level_character(static_cast<uint8_t>(byte)));
      for (const bool first : {false, true}) {
        for (const bool last : {false, true}) {
          byte_ids_[first][last][byte] =
              vocabulary_.find((first ? "" : prefix_) + character + (last ? suffix_ : ""));
        }
      }
    }
    if (reads_bytes_ && whole_words_) read_byte_words();
  }

  // The tokens that byte-level text can be, as bytes.
  void read_byte_words() {
    byte_words_.reserve(vocabulary_.size(), vocabulary_.size() * 6);
    std::string bytes;
    for (int32_t id = 0; id < vocabulary_.id_limit(); ++id) {
      const std::string_view token = vocabulary_.token(id);
      bytes.clear();
      for (size_t at = 0; at < token.size();) {
        const int byte = byte_level_byte(unicode::next(token, at));
        if (byte < 0) {
          bytes.clear();
          break;
        }
        bytes.push_back(static_cast<char>(byte));
      }
      if (!bytes.empty()) byte_words_.add(bytes, id);
    }
  }

  // The word's characters as symbols. Unknown ones wait in `pending`: they may fuse with the next.
  void split(std::string_view word, ModelScratch& scratch) const {
    std::vector<ModelScratch::Symbol>& symbols = scratch.symbols;
    uint32_t position = 0, pending = 0;
    const auto add = [&](int32_t id, uint32_t size) {
      symbols.push_back({id, position, position + size, 0, 0});
      position += size;
    };
    const auto flush = [&] {
      if (pending) add(unknown_, pending);
      pending = 0;
    };
    for (size_t at = 0; at < word.size();) {
      const uint32_t size = reads_bytes_ ? 1 : static_cast<uint32_t>(unicode::length_at(word, at));
      const bool first = at == 0, last = at + size == word.size();
      const std::string_view character = word.substr(at, size);
      at += size;
      const int32_t id = find_symbol(character, first, last, scratch.buffer);
      if (id != Vocabulary::kNone) {
        flush();
        add(id, size);
      } else if (byte_fallback_ && falls_back(scratch.buffer)) {
        for (const char byte : scratch.buffer) add(fallback_[static_cast<unsigned char>(byte)], 1);
      } else if (unknown_ != Vocabulary::kNone) {
        if (!fuse_unknown_) flush();
        pending += size;
      }
    }
    flush();
  }

  // The token of a character with its affixes; when it has none they are spelled out in `spelled`.
  int32_t find_symbol(std::string_view character, bool first, bool last,
                      std::string& spelled) const {
    if (reads_bytes_) {
      const int32_t id = byte_ids_[first][last][static_cast<unsigned char>(character[0])];
      if (id != Vocabulary::kNone) return id;
    } else if ((first || prefix_.empty()) && (!last || suffix_.empty())) {
      const int32_t id = vocabulary_.find(character);
      if (id != Vocabulary::kNone) return id;
    }
    spelled.assign(first ? "" : prefix_);
    if (reads_bytes_) {
      unicode::append(spelled, byte_level_character(static_cast<uint8_t>(character[0])));
    } else {
      spelled.append(character);
    }
    if (last) spelled.append(suffix_);
    return reads_bytes_ ? Vocabulary::kNone : vocabulary_.find(spelled);
  }

  bool falls_back(std::string_view bytes) const {
    return std::all_of(bytes.begin(), bytes.end(), [this](char byte) {
      return fallback_[static_cast<unsigned char>(byte)] != Vocabulary::kNone;
    });
  }

  void merge(ModelScratch& scratch) const {
    if (scratch.symbols.size() <= kFewSymbols) {
      merge_few(scratch.symbols);
    } else {
      merge_many(scratch);
    }
  }

  void merge_few(std::vector<ModelScratch::Symbol>& symbols) const {
    MergeTable::Merge found[kFewSymbols];  // of each symbol with the next
    size_t count = symbols.size();
    for (size_t i = 0; i + 1 < count; ++i)
      found[i] = merges_.find(symbols[i].id, symbols[i + 1].id);
    while (count > 1) {
      size_t best = 0;
      for (size_t i = 1; i + 1 < count; ++i) best = found[i].rank < found[best].rank ? i : best;
      if (found[best].rank == UINT32_MAX) break;
      symbols[best].id = found[best].id;
      symbols[best].end = symbols[best + 1].end;
      std::copy(symbols.begin() + best + 2, symbols.begin() + count, symbols.begin() + best + 1);
      for (size_t i = best + 1; i + 2 < count; ++i) found[i] = found[i + 1];
      --count;
      if (best > 0) found[best - 1] = merges_.find(symbols[best - 1].id, symbols[best].id);
      if (best + 1 < count) found[best] = merges_.find(symbols[best].id, symbols[best + 1].id);
    }
    symbols.resize(count);
  }

  // Joins the symbol at `left` with the next one. Merged-away symbols keep kNone.
  static void join(std::vector<ModelScratch::Symbol>& symbols, uint32_t position, int32_t id) {
    ModelScratch::Symbol& left = symbols[position];
    ModelScratch::Symbol& right = symbols[left.next];
    left.id = id;
    left.end = right.end;
    left.next = right.next;
    right.id = Vocabulary::kNone;
    if (left.next >= 0) symbols[left.next].previous = static_cast<int32_t>(position);
  }

  // Rank by rank, each from left to right. Merges learnt from texts have higher ranks than those
  // that made their parts; where one has not, the rest is done with a heap.
  void merge_many(ModelScratch& scratch) const {
    std::vector<ModelScratch::Symbol>& symbols = scratch.symbols;
    MergeBuckets& buckets = scratch.buckets;
    buckets.reset(rank_limit_);
    const int32_t count = static_cast<int32_t>(symbols.size());
    uint32_t lowest = UINT32_MAX;  // rank that was offered since it was last set
    const auto offer = [&](int32_t left, int32_t right) {
      const MergeTable::Merge merge = merges_.find(symbols[left].id, symbols[right].id);
      if (merge.rank == UINT32_MAX) return;
      buckets.add(merge.rank, static_cast<uint32_t>(left));
      lowest = std::min(lowest, merge.rank);
    };
    for (int32_t i = 0; i < count; ++i) {
      symbols[i].previous = i - 1;
      symbols[i].next = i + 1 < count ? i + 1 : -1;
      if (i + 1 < count) offer(i, i + 1);
    }
    for (uint32_t rank; buckets.take(rank, scratch.positions);) {
      lowest = UINT32_MAX;
      for (const uint32_t position : scratch.positions) {
        const ModelScratch::Symbol& left = symbols[position];
        if (left.id == Vocabulary::kNone || left.next < 0) continue;
        const MergeTable::Merge merge = merges_.find(left.id, symbols[left.next].id);
        if (merge.rank != rank) continue;  // one of them has changed since
        join(symbols, position, merge.id);
        if (left.previous >= 0) offer(left.previous, static_cast<int32_t>(position));
        if (left.next >= 0) offer(static_cast<int32_t>(position), left.next);
        if (lowest <= rank) return merge_with_heap(scratch);
      }
    }
  }

  // With a heap of the merges that are possible: n log n for a word of n characters, whatever the
  // ranks. Symbols are linked.
  void merge_with_heap(ModelScratch& scratch) const {
    std::vector<ModelScratch::Symbol>& symbols = scratch.symbols;
    std::vector<ModelScratch::Merge>& heap = scratch.merges;
    heap.clear();
    const auto offer = [&](int32_t left, int32_t right) {
      const MergeTable::Merge merge = merges_.find(symbols[left].id, symbols[right].id);
      if (merge.rank == UINT32_MAX) return false;
      heap.push_back({merge.rank, static_cast<uint32_t>(left), merge.id});
      return true;
    };
    const auto offer_later = [&](int32_t left, int32_t right) {
      if (offer(left, right)) std::push_heap(heap.begin(), heap.end(), std::greater<>());
    };
    for (size_t i = 0; i < symbols.size(); ++i) {
      if (symbols[i].id != Vocabulary::kNone && symbols[i].next >= 0)
        offer(static_cast<int32_t>(i), symbols[i].next);
    }
    std::make_heap(heap.begin(), heap.end(), std::greater<>());
    while (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end(), std::greater<>());
      const ModelScratch::Merge top = heap.back();
      heap.pop_back();
      const ModelScratch::Symbol& left = symbols[top.position];
      if (left.id == Vocabulary::kNone || left.next < 0) continue;
      if (merges_.find(left.id, symbols[left.next].id).id != top.id)
        continue;  // one of them has changed since
      join(symbols, top.position, top.id);
      if (left.previous >= 0) offer_later(left.previous, static_cast<int32_t>(top.position));
      if (left.next >= 0) offer_later(static_cast<int32_t>(top.position), left.next);
    }
  }

  bool reads_bytes_;
  std::string prefix_, suffix_;  // of tokens inside a word, and at its end
  bool fuse_unknown_, byte_fallback_, whole_words_;
  int32_t unknown_ = Vocabulary::kNone;
  MergeTable merges_;
  size_t rank_limit_ = 0;        // ranks are below it
  int32_t byte_ids_[2][2][256];  // [starts the word][ends the word][byte]
  int32_t fallback_[256];        // "<0x00>" ...
  Vocabulary byte_words_;
};

}  // namespace

std::unique_ptr<const Model> make_bpe(const Field& field, bool reads_bytes) {
  return std::make_unique<Bpe>(field, reads_bytes);
}

}  // namespace vecton::tokenizer
