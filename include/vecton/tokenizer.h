// Tokenizer: text to token ids and back, exactly as the checkpoint's tokenizer files say. Immutable
// and thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vecton/export.h"

namespace vecton {

// One encoded text or pair. All vectors that are asked for have the length of `ids`.
struct Encoding {
  std::vector<int32_t> ids;
  std::vector<int32_t> type_ids;
  std::vector<int32_t> attention_mask;       // 0 on padding
  std::vector<uint8_t> special_tokens_mask;  // 1 on tokens the post-processor added
  std::vector<std::pair<uint32_t, uint32_t>>
      offsets;            // byte range of the text each token came from; [0,0) for added ones
  int64_t truncated = 0;  // tokens cut off
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
  bool offsets = false;  // fill `offsets`
};

class VECTON_API Tokenizer {
 public:
  // Reads the tokenizer files of a checkpoint folder. Errors name the file and the part that is
  // wrong or unsupported.
  static std::shared_ptr<const Tokenizer> open(const std::filesystem::path& folder);

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
  int64_t model_max_length() const;  // tokenizer_config.json's, 0 when absent or absurdly large
  // Tokens that the post-processor adds to one text.
  int64_t num_special_tokens(bool pair = false) const;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vecton
