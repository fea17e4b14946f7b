// Tokenizer: a checkpoint's tokenizer.json and tokenizer_config.json behind the public interface.
#include "vecton/tokenizer.h"

#include <algorithm>

#include "base/mapped_file.h"
#include "tokenizer/pipeline.h"
#include "tokenizer/settings.h"
#include "tokenizer/truncation.h"

namespace vecton {

namespace {

// An input text, with U+FFFD in the place of what is not UTF-8, and its tokens.
class Input {
 public:
  explicit Input(std::string_view text) : text_(text) {
    if (unicode::is_valid_utf8(text)) return;
    repaired_ = unicode::repair_utf8(text, &origins_);
    text_ = repaired_;
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  void encode(const Pipeline& pipeline, bool offsets) {
    tokens.with_spans = offsets;
    pipeline.encode(text_, tokens);
  }
  // Makes spans what the caller sees: trimmed, and of the text as it was given.
  void finish(const Pipeline& pipeline) {
    pipeline.trim_offsets(tokens, text_);
    if (origins_.empty()) return;
    for (Span& span : tokens.spans) span = {origins_[span.begin], origins_[span.end]};
  }

  Tokens tokens;

 private:
  std::string_view text_;
  std::string repaired_;
  std::vector<uint32_t> origins_;  // of each byte of repaired_, and of its end
};

}  // namespace

struct Tokenizer::Impl {
  Impl(const std::filesystem::path& folder, std::string_view json_text)
      : pipeline(json_text, (folder / "tokenizer.json").string()),
        settings(TokenizerSettings::read(folder)) {
    if (!settings.pad_token.empty()) pad_id = pipeline.find(settings.pad_token);
  }

  Encoding encode(std::string_view text, const std::string_view* pair,
                  const EncodeOptions& options) const;
  void pad(std::span<Encoding> rows, const EncodeOptions& options) const;
  int64_t max_length(const EncodeOptions& options) const {
    return options.max_length > 0 ? options.max_length : settings.model_max_length;
  }

  Pipeline pipeline;
  TokenizerSettings settings;
  int32_t pad_id = Vocabulary::kNone;
};

Encoding Tokenizer::Impl::encode(std::string_view text, const std::string_view* pair,
                                 const EncodeOptions& options) const {
  Input first(text), second(pair ? *pair : std::string_view());
  first.encode(pipeline, options.offsets);
  if (pair) second.encode(pipeline, options.offsets);
  Tokens* const other = pair ? &second.tokens : nullptr;
  Encoding out;
  if (const int64_t most = max_length(options);
      options.truncation != EncodeOptions::Truncation::kNone && most > 0) {
    const int64_t added = options.add_special_tokens ? pipeline.post_processor().added(pair) : 0;
    const bool left =
        options.truncation_side == EncodeOptions::Side::kLeft ||
        (options.truncation_side == EncodeOptions::Side::kTokenizer && settings.truncates_left);
    out.truncated = truncate(first.tokens, other, options.truncation, most, added, left);
  }
  if (options.offsets) {
    first.finish(pipeline);
    second.finish(pipeline);
  }
  pipeline.post_processor().assemble(first.tokens, other, options.add_special_tokens, out);
  return out;
}

void Tokenizer::Impl::pad(std::span<Encoding> rows, const EncodeOptions& options) const {
  using Padding = EncodeOptions::Padding;
  if (options.padding == Padding::kNone) return;
  int64_t size = 0;
  if (options.padding == Padding::kMaxLength) {
    size = max_length(options);
    if (size <= 0) return;  // a model without a limit: nothing to pad to
  } else {
    for (const Encoding& row : rows) size = std::max(size, static_cast<int64_t>(row.ids.size()));
  }
  if (pad_id == Vocabulary::kNone) {
    throw Error(ErrorCode::kInvalidArgument,
                "padding needs a pad_token in tokenizer_config.json that the vocabulary has",
                "padding");
  }
  if (size > kLongestRow) {
    throw Error(ErrorCode::kInvalidArgument,
                "padding to more than " + std::to_string(kLongestRow) + " tokens", "max_length");
  }
  const bool left = options.padding_side == EncodeOptions::Side::kLeft ||
                    (options.padding_side == EncodeOptions::Side::kTokenizer && settings.pads_left);
  for (Encoding& row : rows)
    vecton::pad(row, round_up(size, options.pad_to_multiple_of), pad_id, left);
}

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::~Tokenizer() = default;

std::shared_ptr<const Tokenizer> Tokenizer::open(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "tokenizer.json";
  if (!std::filesystem::exists(file)) {
    throw Error(ErrorCode::kNotFound, folder.string() + " has no tokenizer.json");
  }
  const MappedFile map(file);
  return std::shared_ptr<const Tokenizer>(
      new Tokenizer(std::make_unique<Impl>(folder, map.text())));
}

Encoding Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  Encoding out = impl_->encode(text, nullptr, options);
  impl_->pad({&out, 1}, options);
  return out;
}

Encoding Tokenizer::encode(std::string_view text, std::string_view pair,
                           const EncodeOptions& options) const {
  Encoding out = impl_->encode(text, &pair, options);
  impl_->pad({&out, 1}, options);
  return out;
}

std::vector<Encoding> Tokenizer::encode_batch(std::span<const std::string> texts,
                                              std::span<const std::string> pairs,
                                              const EncodeOptions& options) const {
  if (!pairs.empty() && pairs.size() != texts.size()) {
    throw Error(ErrorCode::kInvalidArgument, std::to_string(texts.size()) + " texts have " +
                                                 std::to_string(pairs.size()) +
                                                 " pairs: give one for each or none");
  }
  std::vector<Encoding> rows;
  rows.reserve(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::string_view pair = pairs.empty() ? std::string_view() : std::string_view(pairs[i]);
    rows.push_back(impl_->encode(texts[i], pairs.empty() ? nullptr : &pair, options));
  }
  impl_->pad(rows, options);
  return rows;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special_tokens) const {
  const std::string text = impl_->pipeline.decode(ids, skip_special_tokens);
  return impl_->settings.cleans_up_spaces ? clean_up_spaces(text, false) : text;
}

int64_t Tokenizer::vocab_size() const { return impl_->pipeline.id_limit(); }

std::string_view Tokenizer::id_to_token(int32_t id) const { return impl_->pipeline.token(id); }

std::optional<int32_t> Tokenizer::token_to_id(std::string_view token) const {
  const int32_t id = impl_->pipeline.find(token);
  return id == Vocabulary::kNone ? std::nullopt : std::optional(id);
}

int64_t Tokenizer::model_max_length() const { return impl_->settings.model_max_length; }

int64_t Tokenizer::num_special_tokens(bool pair) const {
  return impl_->pipeline.post_processor().added(pair);
}

}  // namespace vecton
