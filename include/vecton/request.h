// Request: what an engine is asked: a prompt, and the parameters of the task that is to be done
// with it. Result: the task's answer, or an error; and what an answer says, put together as
// transformers' pipelines put it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "vecton/error.h"
#include "vecton/tokenizer.h"

namespace vecton {

enum class Task {
  kEmbed,          // one vector per text
  kTokenEmbed,     // one vector per token
  kSparseEmbed,    // weights of tokens of the vocabulary
  kClassify,       // a number per label, of a text or a pair of texts
  kTokenClassify,  // a number per label, of every token; of masked language models the vocabulary's
                   // logits
  kScore,          // one number: how well a document answers a query
  kFillMask,       // the likeliest tokens in place of every mask token
};

// "embed", "token_embed", "sparse_embed", "classify", "token_classify", "score", "fill_mask"; the
// inverse gives nothing for an unknown name.
VECTON_API const char* to_string(Task task);
VECTON_API std::optional<Task> task_from_string(std::string_view name);

// What a text is to a retrieval model. Late-interaction models mark queries and documents; other
// models have prompts named "query" and "document" (or "passage"), or none.
enum class Role { kNone, kQuery, kDocument };

// Messages, of which the model's chat template makes a text.
struct Chat {
  ChatInput input{};
  std::string chat_template{};  // a name or a text, as ChatTemplates::render() takes it
};

// What is done with inputs that are too long.
struct Truncation {
  std::optional<int64_t> to{};  // cut to so many tokens; -1 = the model's maximum; none = an error
  EncodeOptions::Side side = EncodeOptions::Side::kTokenizer;
};

// What the model reads.
struct Prompt {
  // A text, token ids taken as they are, or messages.
  std::variant<std::string, std::vector<int32_t>, Chat> input{};
  Role role = Role::kNone;  // Score gives both sides theirs
  // The prompt put before a text: by name, as the checkpoint has it, or literally. Neither = the
  // checkpoint's default prompt, and none before messages; an empty `prompt_text` = none. Token ids
  // never get one.
  std::optional<std::string> prompt_name{}, prompt_text{};
  std::optional<bool> add_special_tokens{};  // none = yes, but not to messages
  Truncation truncation{};
  std::optional<int64_t> max_tokens{};  // more are an error, where the model would take them
};

// A token that a row of an answer is of.
struct TokenInfo {
  int32_t id = 0;
  int64_t begin = 0, end = 0;  // bytes of the input text; 0, 0 of a special token or of token ids
  bool special = false;
};

// The answers to the tasks. Values are row-major, [rows, columns].
struct Vectors {
  int64_t rows = 0, columns = 0;
  std::vector<float> values{};
  std::vector<TokenInfo> tokens{};  // of each row, where rows are of tokens
};
// The weights that are not 0, and the tokens of the vocabulary that they are of.
struct SparseVector {
  std::vector<int32_t> ids{};
  std::vector<float> values{};
};
// A column per label.
struct Labels {
  int64_t rows = 0, columns = 0;
  std::vector<float> values{};
  std::vector<TokenInfo> tokens{};  // of each row, where rows are of tokens
};
struct Relevance {
  float score = 0;
  float logit = 0;  // before the activation: what rankings are sorted by
};
// A row per mask token: tokens of the vocabulary, likeliest first, and their probabilities.
struct Fillings {
  int64_t rows = 0, columns = 0;
  std::vector<int32_t> ids{};
  std::vector<float> values{};
};

using Answer = std::variant<Vectors, SparseVector, Labels, Relevance, Fillings, Error>;

// The numbers of any answer; an error has none. They live as long as the answer.
struct Numbers {
  int64_t rows = 0, columns = 0;
  std::span<const float> values{};
};
VECTON_API Numbers numbers_of(const Answer& answer);

// The parameters of each task, whose answer is an Output. Where a switch may be none, none is what
// the checkpoint says.
struct Embed {
  using Output = Vectors;                // one row, or a row per part
  std::optional<int64_t> dimensions{};   // Matryoshka: the first values only, then normalised
  bool dimensions_of_any_model = false;  // also of one that was not trained for it
  std::optional<bool> normalize{};       // to length 1
  // The parts of one document, instead of a prompt's input. The model reads them as one text, and
  // each part's own tokens are pooled (late chunking, arXiv:2409.04701): a row per part.
  std::vector<std::string> late_chunks{};
  bool operator==(const Embed&) const = default;
};
struct TokenEmbed {
  using Output = Vectors;  // a row per token
  std::optional<bool> normalize{};
  bool operator==(const TokenEmbed&) const = default;
};
struct SparseEmbed {
  using Output = SparseVector;
  bool operator==(const SparseEmbed&) const = default;
};
struct Classify {
  using Output = Labels;                 // one row
  std::optional<std::string> pair{};     // the second text
  std::optional<bool> use_activation{};  // probabilities, or what the checkpoint has, not logits
  bool operator==(const Classify&) const = default;
};
struct TokenClassify {
  using Output = Labels;  // a row per token
  std::optional<bool> use_activation{};
  bool operator==(const TokenClassify&) const = default;
};
struct Score {
  using Output = Relevance;
  std::optional<std::string> document{};     // needed; the prompt's input is the query
  std::optional<std::string> instruction{};  // of rerankers whose prompt has one
  std::optional<bool> use_activation{};
  bool operator==(const Score&) const = default;
};
struct FillMask {
  using Output = Fillings;
  int64_t top_k = 5;
  std::vector<std::string> targets{};  // only these tokens; none = all
  bool operator==(const FillMask&) const = default;
};

// In the order of Task.
using TaskParameters =
    std::variant<Embed, TokenEmbed, SparseEmbed, Classify, TokenClassify, Score, FillMask>;
inline Task task_of(const TaskParameters& task) { return static_cast<Task>(task.index()); }
// A task whose parameters are the checkpoint's.
VECTON_API TaskParameters default_parameters(Task task);

struct Request {
  Prompt prompt{};
  TaskParameters task{};
  std::vector<TaskParameters> also{};  // more of the same forward pass: Embed, TokenEmbed,
                                       // SparseEmbed
  std::string cache_salt{};  // requests share cached prefixes with requests of the same salt only
  int64_t priority = 0;      // lower ones are computed first; equal ones in the order they came
};

struct Usage {
  int64_t prompt_tokens = 0;  // computed
  bool truncated = false;     // the input was cut to fit
};

// Wall-clock seconds of one request's stations.
struct Timings {
  double tokenization = 0, queue = 0, inference = 0;
};

struct Result {
  Answer answer{};
  std::vector<Answer> also{};  // one per Request::also; none where `answer` is an error
  Usage usage{};
  Timings timings{};

  const Error* error() const { return std::get_if<Error>(&answer); }
  // The answer, which is Kind where the task's Output is; throws the error where there is one.
  template <class Kind>
  const Kind& get() const {
    if (error()) throw *error();
    return std::get<Kind>(answer);
  }
  template <class Kind>
  Kind& get() {
    if (error()) throw *error();
    return std::get<Kind>(answer);
  }
};

// Entities: what the tokens of a token classifier say together.
//
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

// What a masked language model puts in place of a mask token.
struct Filling {
  int32_t token = 0;
  std::string text{};  // of the token
  float score = 0;     // its probability
  // The whole text with the token in place; with special tokens where the text has several masks,
  // so that the others can be seen.
  std::string sequence{};
};

// What a target is taken for: a token of the vocabulary, or the first token of an ordinary text.
struct MaskTarget {
  std::string text;
  std::optional<int32_t> token;  // nothing: the text has no tokens, and is left out
  bool exact = true;             // the text is that token

  // "" where it is exact, else what to tell whoever asked.
  VECTON_API std::string note(const Tokenizer& tokenizer) const;
};
VECTON_API std::vector<MaskTarget> find_targets(std::span<const std::string> texts,
                                                const Tokenizer& tokenizer);

// `result` of a FillMask of `prompt`, a text or token ids: a list per mask token, likeliest first.
VECTON_API std::vector<std::vector<Filling>> find_fillings(const Result& result,
                                                           const Prompt& prompt,
                                                           const Tokenizer& tokenizer);

}  // namespace vecton
