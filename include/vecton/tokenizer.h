// Tokenizer: text to token ids and back, exactly as the checkpoint's tokenizer files say.
// ChatTemplates: messages to a text, as the checkpoint's Jinja templates say and as transformers
// renders them. All are immutable and thread-safe, but for the Detokenizer.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vecton/error.h"

namespace vecton {

// One encoded text or pair. All vectors that are asked for have the length of `ids`.
struct Encoding {
  using Range = std::pair<uint32_t, uint32_t>;  // begin, end

  std::vector<int32_t> ids;
  std::vector<int32_t> type_ids;
  std::vector<int32_t> attention_mask;       // 0 on padding
  std::vector<uint8_t> special_tokens_mask;  // 1 on tokens the post-processor added, and on padding
  std::vector<int8_t> sequences;  // 0: of the text, 1: of the pair, -1: of neither (added, padding)
  // The part of the text, or of the pair, that each token came from; [0,0) for added ones. In
  // bytes, and in characters of the text as it is after bytes that are not UTF-8 have become
  // U+FFFD.
  std::vector<Range> offsets, char_offsets;
  int64_t truncated = 0;  // tokens cut off; of a text that was not read whole, those that were read
  bool partial = false;   // the text has more tokens than were asked for, and was not read whole
};

// Meaning and defaults of a Hugging Face fast tokenizer's __call__.
struct EncodeOptions {
  enum class Truncation { kNone, kLongestFirst, kOnlyFirst, kOnlySecond };
  enum class Padding { kNone, kLongest, kMaxLength };
  enum class Side { kTokenizer, kLeft, kRight };  // kTokenizer: what tokenizer_config.json says
  bool add_special_tokens = true;
  Truncation truncation = Truncation::kNone;
  Padding padding = Padding::kNone;
  int64_t max_length = 0;  // 0 = the tokenizer's model_max_length
  Side truncation_side = Side::kTokenizer;
  Side padding_side = Side::kTokenizer;
  int64_t pad_to_multiple_of = 0;
  bool offsets = false;  // fill `offsets` and `char_offsets`
  // Of a text (or each of a pair) with more tokens than this only a part is read, which gives some
  // more than these: `partial`. 0 = all. Where a text is cut, what the cut leaves is enough.
  int64_t at_most = 0;
};

// How the files of a tokenizer are read.
struct TokenizerOptions {
  // The settings of tokenizer_config.json that transformers lets stand above tokenizer.json, such
  // as do_lower_case and add_prefix_space, do so here. Without it a tokenizer.json alone says how
  // texts are cut.
  bool class_settings = true;
  // Texts, but not the special tokens in them, are lower-cased before anything else is done.
  bool lower_case = false;

  bool operator==(const TokenizerOptions&) const = default;
};

class VECTON_API Tokenizer {
 public:
  // Reads the tokenizer files of a checkpoint folder: tokenizer.json, or without it what the
  // tokenizer_class of tokenizer_config.json is made of: vocab.txt, vocab.json and merges.txt, a
  // SentencePiece .model, tekken.json, or a tiktoken file. Errors name the file and the part that
  // is wrong or unsupported.
  static std::shared_ptr<const Tokenizer> open(const std::filesystem::path& folder,
                                               const TokenizerOptions& options = {});

  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // `text` is UTF-8; bytes that are not are read as U+FFFD.
  Encoding encode(std::string_view text, const EncodeOptions& options = {}) const;
  Encoding encode(std::string_view text, std::string_view pair,
                  const EncodeOptions& options = {}) const;
  // Rows of one call: padded together where padding asks for it. `pairs` is empty or as long as
  // `texts`.
  std::vector<Encoding> encode_batch(std::span<const std::string> texts,
                                     std::span<const std::string> pairs,
                                     const EncodeOptions& options = {}) const;

  // Ids outside the vocabulary are an error (kInvalidArgument).
  std::string decode(std::span<const int32_t> ids, bool skip_special_tokens = false) const;

  int64_t vocab_size() const;                      // ids are below it
  std::string_view id_to_token(int32_t id) const;  // empty when the id has no token
  std::optional<int32_t> token_to_id(std::string_view token) const;

  // What tokens inside a word begin with, such as "##" of WordPiece; empty where they have no mark.
  std::string_view continuing_subword_prefix() const;

  // The special tokens that have a name: "bos_token", "eos_token", "unk_token", "sep_token",
  // "pad_token", "cls_token", "mask_token", and names that a model gives its own ("image_token").
  const std::map<std::string, std::string>& special_tokens() const;
  // The id of a named one; nothing where the checkpoint has none.
  std::optional<int32_t> special_token_id(std::string_view name) const;

  // Whether tokenizer_config.json's model_input_names has token_type_ids, or says nothing: where it
  // has not, the model reads all tokens as of type 0.
  bool model_takes_type_ids() const;
  // Whether transformers' tokenizer gives token_type_ids unasked: where model_input_names says
  // nothing, its class decides.
  bool returns_type_ids() const;
  // The ends at which texts are padded and cut where a call does not say it.
  bool pads_left() const;
  bool truncates_left() const;
  int64_t model_max_length() const;  // tokenizer_config.json's, 0 when absent or absurdly large
  // Tokens that the post-processor adds to one text, or to a pair.
  int64_t num_special_tokens(bool pair = false) const;

 private:
  friend class Detokenizer;
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Text of ids that come one at a time. What push() and finish() give is, put together, exactly
// decode() of all the ids; a piece never ends inside a character. One generation, one thread.
class VECTON_API Detokenizer {
 public:
  explicit Detokenizer(std::shared_ptr<const Tokenizer> tokenizer, bool skip_special_tokens = true);
  ~Detokenizer();
  Detokenizer(Detokenizer&&) noexcept;
  Detokenizer& operator=(Detokenizer&&) noexcept;

  // The text that is certain now; empty while it waits for more. An id outside the vocabulary is an
  // error (kInvalidArgument) and changes nothing.
  std::string push(int32_t id);
  // The rest. No more ids come.
  std::string finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What a template is rendered with. Lists and objects are JSON text: keys keep their order, and 1
// and 1.0 stay different numbers.
struct ChatInput {
  std::string messages{};   // a list of {"role", "content", ...}; at least one
  std::string tools{};      // a list of objects; empty: the template sees none
  std::string documents{};  // a list of objects; empty: the template sees none
  std::string variables{};  // an object of further variables (chat_template_kwargs); empty: none
  bool add_generation_prompt = false;
  // The field of the last message that the answer continues ("content"), so that the prompt ends
  // where its text ends. Empty: none. Excludes add_generation_prompt.
  std::string continue_final_message{};
  // What strftime_now() tells; empty: the system's clock.
  std::optional<std::chrono::system_clock::time_point> now{};
};

// One template. Templates are treated as hostile: steps, memory, output and nesting are bounded,
// and nothing outside the template can be reached.
class VECTON_API ChatTemplate {
 public:
  // Errors (kInvalidArgument, kUnsupported) name the line of the template.
  static ChatTemplate parse(std::string_view text);

  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  // `special_tokens`: pairs of name and token that the template sees ("bos_token", "<s>"), unless
  // the input has a variable of that name. Errors of the template, its raise_exception among them,
  // are kInvalidArgument and name the line.
  std::string render(
      const ChatInput& input,
      const std::vector<std::pair<std::string, std::string>>& special_tokens = {}) const;

 private:
  struct Impl;
  explicit ChatTemplate(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

// The templates of a checkpoint folder and its special tokens.
class VECTON_API ChatTemplates {
 public:
  // Reads chat_template.jinja, additional_chat_templates/*.jinja, tokenizer_config.json and
  // chat_template.json, the earlier of which win. A folder without any has no names. A template is
  // parsed when it is first rendered.
  static ChatTemplates open(const std::filesystem::path& folder);

  ChatTemplates(ChatTemplates&&) noexcept;
  ChatTemplates& operator=(ChatTemplates&&) noexcept;
  ~ChatTemplates();

  bool empty() const { return names().empty(); }
  const std::vector<std::string>& names() const;  // sorted; "default" for an only one
  const std::vector<std::pair<std::string, std::string>>& special_tokens() const;

  // `name`: one of names(), or the text of a template. Empty: "tool_use" when there are tools and a
  // template of that name, else "default".
  std::string render(const ChatInput& input, std::string_view name = {}) const;
  // The text of the template that render() would take.
  std::string text(const ChatInput& input, std::string_view name = {}) const;

 private:
  struct Impl;
  explicit ChatTemplates(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace vecton
