// PostProcessor: which special tokens go around one sequence or two, and the type of each token.
//
// Every kind of tokenizer.json (TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel,
// and a Sequence of them) is run once, on the sequences' names, while a tokenizer is loaded: what
// comes out are templates. Immutable and used from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "tokenizer/json_fields.h"
#include "tokenizer/model.h"
#include "vecton/tokenizer.h"

namespace vecton::tokenizer {

class PostProcessor {
 public:
  // The id of a token that a processor names without it, or Vocabulary::kNone.
  using Find = std::function<int32_t(std::string_view)>;

  // `field` may be null: the sequences alone.
  PostProcessor(const Field& field, const Find& find);

  // Tokens that are added to one sequence, or to a pair.
  int64_t added(bool pair) const;
  // Puts the sequences and, if asked for, special tokens together. `second` may be nullptr. Byte
  // offsets come from the spans, where the sequences have them.
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
  // Pieces that later processors take as one sequence.
  using Template = std::vector<Piece>;

  // Runs a processor. The sequences that go in are those that the processor before it gave out.
  static std::vector<Template> run(const Field& field, std::vector<Template> sequences,
                                   bool special_tokens, const Find& find);
  static std::vector<Template> run_template(const Field& field, std::vector<Template> sequences,
                                            bool special_tokens, const Find& find);
  static std::vector<Template> run_bert(const Field& field, std::vector<Template> sequences,
                                        bool special_tokens, const Find& find);
  static std::vector<Template> run_roberta(const Field& field, std::vector<Template> sequences,
                                           bool special_tokens, const Find& find);
  void read_trims(const Field& field);

  Template templates_[2][2];  // [pair][special tokens]
  struct Trim {
    bool prefix_space;  // one leading space of the first token was put there
  };
  std::vector<Trim> trims_;
};

}  // namespace vecton::tokenizer
