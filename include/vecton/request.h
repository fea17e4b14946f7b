// Request: what an engine is asked: a prompt, and the parameters of the task that is to be done
// with it. Result: the task's answer, or an error; and what an answer says, put together as
// transformers' pipelines put it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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
  kGenerate,       // what a generative model writes after the prompt
};

// "embed", "token_embed", "sparse_embed", "classify", "token_classify", "score", "fill_mask",
// "generate"; the inverse gives nothing for an unknown name.
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

// A picture: its bytes (JPEG, PNG, WebP, GIF or BMP), or where they are.
struct Image {
  std::string bytes{};
  // Read where `bytes` is empty: a data: URI, or as EngineOptions allow them a path, a file: URL or
  // an http or https URL.
  std::string source{};
  bool operator==(const Image&) const = default;
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
  // Pictures that the input's placeholders stand for, in order (ModelInfo::image_placeholder);
  // those of a text without any come before it. Messages hold their own, as URIs and URLs (no
  // paths) in parts of the type image_url, or have parts {"type": "image"} that stand for these.
  std::vector<Image> images{};
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

// The rows of an answer that are of a picture, or of a tile of it: row begin + r * columns + c is
// of row r and column c of a grid that lies over a part of the picture, in shares of its sides.
struct ImageGrid {
  size_t image = 0;  // of the request
  int64_t begin = 0, rows = 0, columns = 0;
  double left = 0, top = 0, width = 1, height = 1;
  bool operator==(const ImageGrid&) const = default;
};

// The answers to the tasks. Values are row-major, [rows, columns].
struct Vectors {
  int64_t rows = 0, columns = 0;
  std::vector<float> values{};
  std::vector<TokenInfo> tokens{};  // of each row, where rows are of tokens
  // Pictures among the rows, where rows are of tokens: of one that was cut into tiles each tile,
  // row by row, and at last the whole.
  std::vector<ImageGrid> images{};
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
  std::vector<int32_t> prompt_token_ids{};  // what the model read, the mask tokens among it
};

// A token, and how likely the model's raw logits make it: before bias, penalties and temperature,
// after a grammar.
struct TokenLogprob {
  int32_t id = 0;
  float logprob = 0;    // may be -infinity
  int64_t rank = 0;     // 1 = none is likelier
  std::string text{};   // of this token alone; what is no whole character is U+FFFD
  std::string bytes{};  // what it stands for, perhaps a part of a character
};
struct TokenLogprobs {
  TokenLogprob token{};             // the one that is there
  std::vector<TokenLogprob> top{};  // the likeliest of all, best first: as many as were asked for
};

enum class FinishReason {
  kStop,    // the model ended, or a stop token or text came
  kLength,  // max_tokens, or the model's length
  kAbort,   // given up
};
VECTON_API const char* to_string(FinishReason reason);  // "stop", "length", "abort"
// What ended a completion: nothing, or the model's own end of text; a token, of stop_token_ids or
// another end of text; a text of `stop`.
using StopReason = std::variant<std::monostate, int32_t, std::string>;

struct Completion {
  int64_t index = 0;
  std::string text{};
  std::vector<int32_t> token_ids{};       // a stop token among them, which is not in the text
  std::vector<TokenLogprobs> logprobs{};  // of each token, where they are asked for
  double cumulative_logprob = 0;          // their sum
  FinishReason finish_reason = FinishReason::kStop;
  StopReason stop_reason{};
};
struct Generation {
  std::vector<Completion> completions{};  // Generate::n, by index
  std::vector<int32_t> prompt_token_ids{};
  // Of each token of the prompt but the first, where they are asked for.
  std::vector<TokenLogprobs> prompt_logprobs{};
  int64_t cached_tokens = 0;  // of the prompt, that the prefix cache had
  // Seconds: from submit to the first token, and from there to the last.
  double time_to_first_token = 0, generation_time = 0;
};

// What a step has added to a completion.
struct GenerationDelta {
  size_t request = 0;                // of the submit
  int64_t index = 0;                 // of the completion
  std::string text{};                // ends with a whole character; the texts make Completion::text
  std::vector<int32_t> token_ids{};  // the texts of some may still be held back
  std::vector<TokenLogprobs> logprobs{};
  std::optional<FinishReason> finish_reason{};  // in a completion's last delta
  StopReason stop_reason{};
  int64_t prompt_tokens = 0, completion_tokens = 0, cached_tokens = 0;  // so far
  // In a completion's first delta; they live as long as the call.
  const std::vector<int32_t>* prompt_token_ids = nullptr;
  const std::vector<TokenLogprobs>* prompt_logprobs = nullptr;
};

using Answer = std::variant<Vectors, SparseVector, Labels, Relevance, Fillings, Generation, Error>;

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
  using Output = Labels;              // one row
  std::optional<std::string> pair{};  // the second text
  // Of models that compare images and texts, which have no labels: the texts of which one says what
  // the prompt's image shows. A column of each.
  std::vector<std::string> candidates{};
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
  std::vector<Image> document_images{};      // as Prompt::images
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

// What an answer has to be a text of.
struct JsonSchema {
  std::string schema{};  // JSON
  bool operator==(const JsonSchema&) const = default;
};
struct JsonObject {  // any
  bool operator==(const JsonObject&) const = default;
};
struct Regex {
  std::string pattern{};
  bool operator==(const Regex&) const = default;
};
struct Choice {
  std::vector<std::string> choices{};
  bool operator==(const Choice&) const = default;
};
struct Grammar {
  std::string grammar{};  // GBNF, EBNF as vLLM has it, or plain Lark
  bool operator==(const Grammar&) const = default;
};
struct StructuredOutput {
  std::variant<JsonSchema, JsonObject, Regex, Choice, Grammar> kind{};
  bool disable_any_whitespace = false, disable_additional_properties = false;
  std::optional<std::string> whitespace_pattern{};
  // It holds from where the text of these tokens has come: the end of thinking. Empty = from the
  // first token on. Before that the answer can't end.
  std::vector<int32_t> begins_after{};
  // Thinking that the model may leave out begins with these tokens: an answer that begins otherwise
  // is held to the structure from its first token on. Empty = it does not leave it out.
  std::vector<int32_t> thinking_begins{};
  bool operator==(const StructuredOutput&) const = default;
};

// Names and meanings of vLLM's SamplingParams. Where a number may be none, none is what
// generation_config.json says (EngineOptions::generation_config), else vLLM's default.
struct Generate {
  using Output = Generation;
  std::optional<int64_t> max_tokens{};         // none of both = what is left of the model's length
  int64_t min_tokens = 0;                      // no end and no stop before
  std::optional<double> temperature{};         // 1; 0 = the likeliest token
  std::optional<int64_t> top_k{};              // 0 and -1 = all
  std::optional<double> top_p{}, min_p{};      // 1, 0
  std::optional<double> repetition_penalty{};  // 1
  // So many of the last tokens, of prompt and completion, have the repetition penalty; none = all.
  std::optional<int64_t> repetition_context_size{};
  std::optional<double> presence_penalty{}, frequency_penalty{};  // 0
  std::vector<std::pair<int32_t, float>> logit_bias{};            // -100 .. 100
  std::vector<std::string> bad_words{};
  std::optional<std::vector<int32_t>> allowed_token_ids{};
  std::vector<std::string> stop{};
  std::vector<int32_t> stop_token_ids{};
  bool include_stop_str_in_output = false;
  bool ignore_eos = false;
  std::optional<uint64_t> seed{};  // completion i has seed + i; none = a random one
  int64_t n = 1;                   // completions
  // So many of the likeliest beside each token; -1 = all.
  std::optional<int64_t> logprobs{}, prompt_logprobs{};
  std::optional<bool> skip_special_tokens{};  // true
  bool spaces_between_special_tokens = true;
  std::optional<StructuredOutput> structured_output{};
  bool operator==(const Generate&) const = default;
};

// In the order of Task.
using TaskParameters = std::variant<Embed, TokenEmbed, SparseEmbed, Classify, TokenClassify, Score,
                                    FillMask, Generate>;
inline Task task_of(const TaskParameters& task) { return static_cast<Task>(task.index()); }
// A task whose parameters are the checkpoint's.
VECTON_API TaskParameters default_parameters(Task task);

struct Request {
  Prompt prompt{};
  TaskParameters task{};
  std::vector<TaskParameters> also{};  // more of the same forward pass: Embed, TokenEmbed,
                                       // SparseEmbed
  std::string cache_salt{};  // requests share cached prefixes with requests of the same salt only
  int64_t priority = 0;  // lower ones are computed first; equal ones by turns, short before long
  // Of a Generate: hears of every step that gave it a token, on a thread of the engine; it must not
  // block. False = the request is given up: its completions end with FinishReason::kAbort.
  std::function<bool(const GenerationDelta&)> on_delta{};
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

// `answer` to a FillMask: a list per mask token, likeliest first. `tokenizer` is the engine's.
VECTON_API std::vector<std::vector<Filling>> find_fillings(const Fillings& answer,
                                                           const Tokenizer& tokenizer);

}  // namespace vecton
