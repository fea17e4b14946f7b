// Model: turns one word into ids. WordPiece, BPE, Unigram and WordLevel.
//
// Made once when a tokenizer is loaded, then immutable and used from any thread; each call works on
// its own scratch.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/json_fields.h"
#include "tokenizer/merge_buckets.h"
#include "tokenizer/text.h"
#include "tokenizer/vocabulary.h"
#include "tokenizer/word_cache.h"

namespace vecton::tokenizer {

// Ids of one sequence, and the bytes of the text each came from when somebody asked.
struct Tokens {
  std::vector<int32_t> ids;
  std::vector<Span> spans;  // as long as `ids` when with_spans; a word's are relative to it
  bool with_spans = false;

  void add(int32_t id, uint32_t begin, uint32_t end) {
    ids.push_back(id);
    if (with_spans) spans.push_back({begin, end});
  }
  void resize(size_t size) {
    ids.resize(size);
    if (with_spans) spans.resize(size);
  }
};

// Buffers that a model reuses from word to word.
struct ModelScratch {
  struct Symbol {
    int32_t id;
    uint32_t begin, end;  // bytes of the word
    int32_t previous, next;
  };
  struct Merge {
    uint32_t rank;
    uint32_t position;
    int32_t id;
    bool operator>(const Merge& other) const {
      return rank != other.rank ? rank > other.rank : position > other.position;
    }
  };
  struct Node {  // Unigram: the best way to reach a position
    double score;
    int32_t id;
    uint32_t begin;
  };
  WordCache cache;
  std::vector<Symbol> symbols;
  std::vector<Merge> merges;
  MergeBuckets buckets;
  std::vector<uint32_t> positions;
  std::vector<Node> nodes;
  std::vector<Span> pieces;
  std::string buffer;
};

class Model {
 public:
  virtual ~Model() = default;
  // Appends the ids of `word`, which is not empty; spans are relative to it.
  virtual void encode(std::string_view word, ModelScratch& scratch, Tokens& out) const = 0;
  // The tokens as the file spells them.
  const Vocabulary& vocabulary() const { return vocabulary_; }
  // What its tokens inside a word begin with, or "".
  virtual std::string_view continuing_subword_prefix() const { return ""; }

 protected:
  Vocabulary vocabulary_;
};

// Byte-pair models can take words as raw bytes where the file gives them byte-level characters.
bool model_is_bpe(const Field& field);
// With `reads_bytes` words come as raw bytes, not as byte-level characters. An unknown type is
// refused by name.
std::unique_ptr<const Model> make_model(const Field& field, bool reads_bytes);

// The parts that live in files of their own.
std::unique_ptr<const Model> make_wordpiece(const Field& field);
std::unique_ptr<const Model> make_bpe(const Field& field, bool reads_bytes);
std::unique_ptr<const Model> make_unigram(const Field& field);

// {"token": id, ...} of a model; errors name the field.
void read_vocabulary(const Field& field, Vocabulary& vocabulary);
// The id of a token that a field names, or an error (kCorrupt).
int32_t required_token(const Field& field, const Vocabulary& vocabulary);

}  // namespace vecton::tokenizer
