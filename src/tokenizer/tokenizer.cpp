// Tokenizer: a checkpoint's tokenizer files behind the public interface.
#include "vecton/tokenizer.h"

#include <algorithm>
#include <utility>

#include "base/mapped_file.h"
#include "base/utf8.h"
#include "gguf/file.h"
#include "tokenizer/auto_class.h"
#include "tokenizer/class_overrides.h"
#include "tokenizer/gguf_tokenizer.h"
#include "tokenizer/long_text.h"
#include "tokenizer/pipeline.h"
#include "tokenizer/settings.h"
#include "tokenizer/tokenizer_classes.h"
#include "tokenizer/truncation.h"
#include "tokenizer/vocabulary_files.h"

namespace vecton {

namespace {

// An input text, with U+FFFD in the place of what is not UTF-8, and its tokens.
class Input {
 public:
  explicit Input(std::string_view text) : text_(text) {
    if (utf8::is_valid(text)) return;
    repaired_ = utf8::repair(text, &origins_);
    text_ = repaired_;
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  // With more tokens than `most` (0 = any number), those of a part of the text: its beginning, or
  // with `left` its end.
  void encode(const tokenizer::Pipeline& pipeline, bool offsets, int64_t most, bool left) {
    tokens.with_spans = offsets;
    partial = tokenizer::encode_text(pipeline, text_, most, left, tokens);
  }
  // Makes spans what the caller sees: trimmed, and of the text as it was given.
  void finish(const tokenizer::Pipeline& pipeline) {
    pipeline.trim_offsets(tokens, text_);
    count_characters();
    if (origins_.empty()) return;
    for (tokenizer::Span& span : tokens.spans) span = {origins_[span.begin], origins_[span.end]};
  }

  size_t bytes() const { return text_.size(); }  // of the text

  tokenizer::Tokens tokens;
  bool partial = false;
  std::vector<tokenizer::Span> characters;  // the spans in characters

 private:
  // Spans may overlap, but mostly go forward: each is counted from where the last one began.
  void count_characters() {
    uint32_t byte = 0, character = 0;
    const auto move_to = [&](uint32_t to) {
      for (; byte < to; ++byte) character += utf8::begins_character(text_[byte]);
      for (; byte > to; --byte) character -= utf8::begins_character(text_[byte - 1]);
      return character;
    };
    characters.reserve(tokens.spans.size());
    for (const tokenizer::Span span : tokens.spans) {
      const uint32_t end = move_to(span.end), begin = move_to(span.begin);
      characters.push_back({begin, end});
    }
  }

  std::string_view text_;
  std::string repaired_;
  std::vector<uint32_t> origins_;  // of each byte of repaired_, and of its end
};

// Each token of a sequence stands in `out` in its place.
void add_character_offsets(const Input& first, const Input& second, Encoding& out) {
  size_t next[2] = {0, 0};
  out.char_offsets.reserve(out.ids.size());
  for (const int8_t sequence : out.sequences) {
    tokenizer::Span span;
    if (sequence >= 0) {
      const std::vector<tokenizer::Span>& spans = (sequence == 0 ? first : second).characters;
      span = spans[next[sequence]++ % spans.size()];
    }
    out.char_offsets.emplace_back(span.begin, span.end);
  }
}

// What the folder's class of tokenizers changes in its tokenizer.json.
void override_file(const std::filesystem::path& folder,
                   const tokenizer::TokenizerSettings& settings, json::value& document) {
  json::object* const root = document.if_object();
  if (!root) return;
  // No part is added later: the steps are pointed to.
  for (const char* part : {"normalizer", "pre_tokenizer", "decoder", "post_processor"})
    root->emplace(part, nullptr);
  const tokenizer::DocumentSteps pre_tokenizer(*root, "pre_tokenizer"), decoder(*root, "decoder");
  const bool byte_level = pre_tokenizer.has("ByteLevel") || decoder.has("ByteLevel");
  const tokenizer::TokenizerClass* const row =
      tokenizer::class_above_file(tokenizer::NamedClass::read(folder, settings), byte_level);
  if (!row || !row->override_file) return;
  const tokenizer::Field config = settings.config_field();
  tokenizer::SpecialTokens special = settings.special;
  tokenizer::set_default_tokens(*row, special);
  tokenizer::FileOverride file{*root, config, settings.special, special};
  row->override_file(file);
}

// Unless a step does it already.
void lower_case_first(json::value& document) {
  json::object* const root = document.if_object();
  if (!root) return;
  tokenizer::DocumentSteps normalizer(*root, "normalizer");
  if (!normalizer.has("Lowercase")) normalizer.insert(0, R"({"type":"Lowercase"})");
}

}  // namespace

struct Tokenizer::Impl {
  Impl(const json::value& document, const std::string& file,
       tokenizer::TokenizerSettings the_settings, const tokenizer::NamedClass& named)
      : settings(std::move(the_settings)), pipeline(document, file, settings) {
    set_class_defaults(named);
    if (const tokenizer::TokenizerClass* row =
            tokenizer::find_tokenizer_class(settings.tokenizer_class))
      name_tokens(*row);
    for (const tokenizer::SpecialTokens::Named& named : settings.special.named())
      special_tokens.insert_or_assign(named.name, named.token.content);
    if (!settings.padding_token.empty())
      special_tokens.emplace("pad_token", settings.padding_token);
    if (const auto pad = special_tokens.find("pad_token"); pad != special_tokens.end())
      pad_id = pipeline.find(pad->second);
    settings.config = nullptr;
  }

  // Where the settings do not say it.
  void set_class_defaults(const tokenizer::NamedClass& named) {
    const tokenizer::TokenizerClass* const row =
        tokenizer::class_above_file(named, pipeline.is_byte_level());
    pads_left = settings.pads_left.value_or(row && row->pads_left);
    returns_type_ids = settings.returns_type_ids.value_or(tokenizer::class_returns_type_ids(named));
  }

  // The tokens that the class of a tokenizer names where the settings do not, of those that the
  // vocabulary has.
  void name_tokens(const tokenizer::TokenizerClass& row) {
    tokenizer::SpecialTokens tokens = settings.special;
    tokenizer::set_default_tokens(row, tokens);
    for (const tokenizer::SpecialTokens::Named& named : tokens.named()) {
      if (pipeline.find(named.token.content) != tokenizer::Vocabulary::kNone)
        special_tokens.insert_or_assign(named.name, named.token.content);
    }
  }

  Encoding encode(std::string_view text, const std::string_view* pair,
                  const EncodeOptions& options) const;
  void pad(std::span<Encoding> rows, const EncodeOptions& options) const;
  int64_t max_length(const EncodeOptions& options) const {
    return options.max_length > 0 ? options.max_length : settings.model_max_length;
  }

  tokenizer::TokenizerSettings settings;
  tokenizer::Pipeline pipeline;
  std::map<std::string, std::string> special_tokens;
  int32_t pad_id = tokenizer::Vocabulary::kNone;
  bool pads_left = false;
  bool returns_type_ids = false;
  bool reads_texts = true;
};

Encoding Tokenizer::Impl::encode(std::string_view text, const std::string_view* pair,
                                 const EncodeOptions& options) const {
  if (!reads_texts) {
    throw Error(ErrorCode::kInvalidArgument,
                "the model reads images, and no text: it has no tokenizer", "input");
  }
  const bool cuts =
      options.truncation != EncodeOptions::Truncation::kNone && max_length(options) > 0;
  const bool left = options.truncation_side == EncodeOptions::Side::kLeft ||
                    (options.truncation_side == EncodeOptions::Side::kTokenizer &&
                     settings.truncates_left.value_or(false));
  // The other strategies count what the text that is not cut has.
  const bool bounded = options.truncation == EncodeOptions::Truncation::kLongestFirst;
  const int64_t most = cuts && bounded ? max_length(options) : cuts ? 0 : options.at_most;
  Input first(text), second(pair ? *pair : std::string_view());
  first.encode(pipeline, options.offsets, most, cuts && left);
  if (pair) second.encode(pipeline, options.offsets, most, cuts && left);
  tokenizer::Tokens* const other = pair ? &second.tokens : nullptr;
  Encoding out;
  out.partial = first.partial || second.partial;
  if (cuts) {
    const int64_t added = options.add_special_tokens ? pipeline.post_processor().added(pair) : 0;
    // Where neither was counted to its end, bytes say which is the longer one.
    const bool longer = first.partial && second.partial
                            ? first.bytes() > second.bytes()
                            : first.tokens.ids.size() > second.tokens.ids.size();
    out.truncated = tokenizer::truncate(first.tokens, other, options.truncation,
                                        max_length(options), added, left, longer);
  }
  if (options.offsets) {
    first.finish(pipeline);
    second.finish(pipeline);
  }
  pipeline.post_processor().assemble(first.tokens, other, options.add_special_tokens, out);
  if (options.offsets) add_character_offsets(first, second, out);
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
  if (pad_id == tokenizer::Vocabulary::kNone) {
    throw Error(ErrorCode::kInvalidArgument,
                "padding needs a pad_token in tokenizer_config.json that the vocabulary has",
                "padding");
  }
  if (size > tokenizer::kLongestRow) {
    throw Error(ErrorCode::kInvalidArgument,
                "padding to more than " + std::to_string(tokenizer::kLongestRow) + " tokens",
                "max_length");
  }
  const bool left = options.padding_side == EncodeOptions::Side::kLeft ||
                    (options.padding_side == EncodeOptions::Side::kTokenizer && pads_left);
  for (Encoding& row : rows)
    vecton::tokenizer::pad(row, tokenizer::round_up(size, options.pad_to_multiple_of), pad_id,
                           left);
}

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::~Tokenizer() = default;

// Of no folder: that of a model that reads no text, which has no tokens and refuses texts.
std::shared_ptr<const Tokenizer> Tokenizer::open(const std::filesystem::path& folder,
                                                 const TokenizerOptions& options) {
  if (folder.empty()) {
    const json::value none = json::parse(R"({"model":{"type":"WordLevel","vocab":{}}})");
    auto impl =
        std::make_unique<Impl>(none, "", tokenizer::TokenizerSettings(), tokenizer::NamedClass());
    impl->reads_texts = false;
    return std::shared_ptr<const Tokenizer>(new Tokenizer(std::move(impl)));
  }
  tokenizer::TokenizerSettings settings = tokenizer::TokenizerSettings::read(folder);
  json::monotonic_resource memory;
  const std::filesystem::path file = folder / "tokenizer.json";
  json::value document(&memory);
  if (gguf::is_gguf(folder)) {
    document = tokenizer::gguf_tokenizer(gguf::File::open(folder), settings, &memory);
  } else if (std::filesystem::exists(file)) {
    document = base::parse_json(base::MappedFile(file).text(), file.string(), &memory);
    settings.read_defaults(tokenizer::Field(document, file.string() + ":"));
    if (options.class_settings) override_file(folder, settings, document);
  } else {
    document = tokenizer::vocabulary_files_document(folder, settings, &memory);
  }
  if (options.lower_case) lower_case_first(document);
  const auto named = tokenizer::NamedClass::read(folder, settings);
  return std::shared_ptr<const Tokenizer>(
      new Tokenizer(std::make_unique<Impl>(document, file.string(), std::move(settings), named)));
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
  return impl_->pipeline.decode(ids, skip_special_tokens);
}

int64_t Tokenizer::vocab_size() const { return impl_->pipeline.id_limit(); }

std::string_view Tokenizer::id_to_token(int32_t id) const { return impl_->pipeline.token(id); }

std::optional<int32_t> Tokenizer::token_to_id(std::string_view token) const {
  const int32_t id = impl_->pipeline.find(token);
  return id == tokenizer::Vocabulary::kNone ? std::nullopt : std::optional(id);
}

std::string_view Tokenizer::continuing_subword_prefix() const {
  return impl_->pipeline.continuing_subword_prefix();
}

const std::map<std::string, std::string>& Tokenizer::special_tokens() const {
  return impl_->special_tokens;
}

std::optional<int32_t> Tokenizer::special_token_id(std::string_view name) const {
  const auto token = impl_->special_tokens.find(std::string(name));
  return token == impl_->special_tokens.end() ? std::nullopt : token_to_id(token->second);
}

bool Tokenizer::model_takes_type_ids() const { return impl_->settings.model_takes_type_ids; }

bool Tokenizer::returns_type_ids() const { return impl_->returns_type_ids; }

bool Tokenizer::pads_left() const { return impl_->pads_left; }

bool Tokenizer::truncates_left() const { return impl_->settings.truncates_left.value_or(false); }

int64_t Tokenizer::model_max_length() const { return impl_->settings.model_max_length; }

int64_t Tokenizer::num_special_tokens(bool pair) const {
  return impl_->pipeline.post_processor().added(pair);
}

struct Detokenizer::Impl {
  Impl(std::shared_ptr<const Tokenizer> owner, const tokenizer::Pipeline& the_pipeline, bool skip)
      : tokenizer(std::move(owner)),
        pipeline(the_pipeline),
        skips_special(skip),
        stream(pipeline.decoders()) {}

  std::shared_ptr<const Tokenizer> tokenizer;
  const tokenizer::Pipeline& pipeline;
  bool skips_special;
  tokenizer::DecoderStream stream;
};

Detokenizer::Detokenizer(std::shared_ptr<const Tokenizer> tokenizer, bool skip_special_tokens) {
  const tokenizer::Pipeline& pipeline = tokenizer->impl_->pipeline;
  impl_ = std::make_unique<Impl>(std::move(tokenizer), pipeline, skip_special_tokens);
}
Detokenizer::~Detokenizer() = default;
Detokenizer::Detokenizer(Detokenizer&&) noexcept = default;
Detokenizer& Detokenizer::operator=(Detokenizer&&) noexcept = default;

std::string Detokenizer::push(int32_t id) {
  if (!impl_->pipeline.is_printed(id, impl_->skips_special)) return "";
  impl_->stream.put(impl_->pipeline.token(id));
  return std::exchange(impl_->stream.text(), {});
}

std::string Detokenizer::finish() {
  impl_->stream.end();
  return std::exchange(impl_->stream.text(), {});
}

}  // namespace vecton
