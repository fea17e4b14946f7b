// PostProcessor: which special tokens go around one sequence or two, and the type of each token.
//
// Every kind of tokenizer.json (TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel)
// is read into templates. Made once when a tokenizer is loaded, then immutable and used from any
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "tokenizer/json_fields.h"
#include "tokenizer/model.h"
#include "vecton/tokenizer.h"

namespace vecton {

class PostProcessor {
 public:
  explicit PostProcessor(const Field& field);  // may be null: the sequences alone

  // Tokens that are added to one sequence, or to a pair.
  int64_t added(bool pair) const;
  // Puts the sequences and, if asked for, special tokens together. `second` may be nullptr.
  void assemble(const Tokens& first, const Tokens* second, bool special_tokens,
                Encoding& out) const;
  // ByteLevel and RobertaProcessing leave spaces out of the offsets of their tokens.
  // `is_added` tells added tokens, whose spaces are those of the text they matched.
  void trim_offsets(Tokens& tokens, std::string_view text, const Vocabulary& vocabulary,
                    const std::function<bool(int32_t)>& is_added) const;

 private:
  struct Piece {
    int sequence = -1;         // 0, 1, or -1 for special tokens
    std::vector<int32_t> ids;  // of special tokens
    int32_t type_id = 0;
  };
  using Template = std::vector<Piece>;

  void read(const Field& field);
  void read_template(const Field& field);
  Template read_pieces(const Field& field, const Field& special_tokens, bool pair) const;
  void read_pair_of_tokens(const Field& field, bool roberta);
  void set(Template single, Template pair, const Field& field);

  Template single_, pair_;
  bool adds_ = false;  // a processor that adds tokens has been read
  struct Trim {
    bool prefix_space;  // one leading space of the first token was put there
  };
  std::vector<Trim> trims_;
};

}  // namespace vecton
