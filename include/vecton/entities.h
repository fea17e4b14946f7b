// Entities: what the tokens of a token classifier say together, as transformers' token
// classification pipeline puts it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vecton/export.h"
#include "vecton/tokenizer.h"
#include "vecton/vecton.h"

namespace vecton {

// kNone: every token that is not special. The others join neighbours of one entity ("B-PER" begins
// one, "I-PER" goes on): kSimple by each token's own label; kFirst, kAverage, kMax give every word
// one label first: that of its first token, of its tokens' mean, or of its surest token. Where the
// tokenizer marks tokens inside words (WordPiece), words end where none follows, and a token for
// what is unknown is a word of its own; with other tokenizers words end at spaces.
enum class Aggregation { kNone, kSimple, kFirst, kAverage, kMax };

// "none", "simple", "first", "average", "max"; nothing for an unknown name.
VECTON_API std::optional<Aggregation> aggregation_from_string(std::string_view name);

struct Entity {
  std::string label{};  // "PER" of "B-PER" where tokens are joined, the label itself otherwise
  float score = 0;
  int64_t begin = 0, end = 0;  // bytes of the text
  std::string text{};          // the bytes begin .. end
  size_t label_id = 0;  // in ModelInfo::labels, of its first token or word: label_json() tells
                        // it as config.json has it
};

// `answer` to a TokenClassify of `text` with use_activation; `tokenizer` is the engine's,
// `labels` are ModelInfo's. An entity begins and ends where its tokens do: those of some tokenizers
// begin with the space before them.
// Tokens labelled "O" are left out. An error (kUnsupported) where the tokens have no labels, as
// those of a masked language model.
VECTON_API std::vector<Entity> find_entities(const Labels& answer, std::string_view text,
                                             const Tokenizer& tokenizer,
                                             std::span<const std::string> labels,
                                             Aggregation aggregation);

// The label of an entity as JSON: in quotes, or the number or null that config.json has in a name's
// place.
VECTON_API std::string label_json(const ModelInfo& info, const Entity& entity);

}  // namespace vecton
