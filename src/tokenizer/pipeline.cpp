#include "tokenizer/pipeline.h"

#include <algorithm>

namespace vecton::tokenizer {

namespace {
constexpr size_t kLongestText =
    size_t{1} << 28;  // bytes; positions in a text are 32 bits wide even after it has grown
constexpr size_t kKeptTextBytes = size_t{1}
                                  << 16;  // buffers of longer texts are freed after the call
}  // namespace

class Pipeline::Lease {
 public:
  explicit Lease(const Pipeline& owner) : owner_(owner) {
    const std::lock_guard lock(owner_.mutex_);
    if (!owner_.free_.empty()) {
      scratch_ = std::move(owner_.free_.back());
      owner_.free_.pop_back();
    }
  }
  ~Lease() {
    if (!scratch_) return;
    if (scratch_->words.text.bytes().capacity() > kKeptTextBytes) scratch_->release();
    const std::lock_guard lock(owner_.mutex_);
    owner_.free_.push_back(std::move(scratch_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  Scratch& get() {
    if (!scratch_) scratch_ = std::make_unique<Scratch>();
    return *scratch_;
  }

 private:
  const Pipeline& owner_;
  std::unique_ptr<Scratch> scratch_;
};

void Pipeline::Scratch::release() {
  ModelScratch fresh;
  fresh.cache = std::move(model.cache);
  model = std::move(fresh);
  words = {};
  part = {};
  pieces = {};
  parts = {};
}

Pipeline::Pipeline(std::string_view json_text, const std::string& file)
    : Pipeline(base::parse_json(json_text, file), file, {}) {}

Pipeline::Pipeline(const json::value& document, const std::string& file,
                   const TokenizerSettings& settings) {
  const Field root(document, file + ":");
  const json::value null;
  const auto part = [&](std::string_view key) {
    const std::string path = file + ": " + std::string(key);
    return root.has(key) ? Field(root[key].value(), path) : Field(null, path);
  };
  const Field pre_tokenizer = part("pre_tokenizer"), normalizer = part("normalizer"),
              model = part("model");
  if (model.is_null()) throw Error(ErrorCode::kCorrupt, file + " has no \"model\"");
  normalizer_ = make_normalizer(normalizer);
  const bool is_bpe = model_is_bpe(model);
  is_byte_level_ = is_bpe && ends_in_byte_level(pre_tokenizer);
  pre_tokenizer_ = make_pre_tokenizer(pre_tokenizer, is_byte_level_);
  model_ = make_model(model, is_byte_level_);
  decoder_ = make_decoder(part("decoder"));
  if (!decoder_) decoder_ = make_space_joiner();
  if (settings.cleans_up_spaces && (!is_bpe || settings.cleans_up_bpe_spaces))
    cleaner_ = make_space_cleaner();
  read_added_tokens(part("added_tokens"), settings);
  post_processor_ = std::make_unique<PostProcessor>(
      part("post_processor"), [this](std::string_view token) { return find(token); });
  always_tracked_ = asks_for_origins(pre_tokenizer, normalizer_ != nullptr);
}

void Pipeline::read_added_tokens(const Field& field, const TokenizerSettings& settings) {
  std::vector<AddedToken> tokens;
  for (size_t i = 0; !field.is_null() && i < field.array().size(); ++i)
    tokens.push_back(AddedToken::read(field[i]));
  for (AddedToken& token : settings.special.missing(tokens)) tokens.push_back(std::move(token));
  added_.build(tokens, model_->vocabulary(), normalizer_.get(), settings.splits_special_tokens);
}

void Pipeline::encode(std::string_view text, Tokens& out) const {
  if (text.size() > kLongestText) {
    throw Error(ErrorCode::kTooLong, "the text has " + std::to_string(text.size()) +
                                         " bytes; at most " + std::to_string(kLongestText) +
                                         " are taken");
  }
  Lease lease(*this);
  Scratch& scratch = lease.get();
  if (added_.empty()) {
    if (!text.empty()) encode_piece(text, 0, scratch, out);
    return;
  }
  scratch.pieces.clear();
  added_.cut(text, false, scratch.pieces);
  for (const AddedTokens::Piece& piece : scratch.pieces) {
    if (piece.id != Vocabulary::kNone) {
      out.add(piece.id, piece.span.begin, piece.span.end);
    } else {
      encode_piece(text.substr(piece.span.begin, piece.span.end - piece.span.begin),
                   piece.span.begin, scratch, out);
    }
  }
}

void Pipeline::encode_piece(std::string_view piece, uint32_t shift, Scratch& scratch,
                            Tokens& out) const {
  Words& words = scratch.words;
  words.text.assign(piece, shift, out.with_spans || always_tracked_);
  words.starts_input = shift == 0;
  if (normalizer_) normalizer_->apply(words.text);
  if (!added_.has_normalized()) return encode_words(words, scratch, out);
  scratch.parts.clear();
  added_.cut(words.text.bytes(), true, scratch.parts);
  if (scratch.parts.size() == 1 && scratch.parts[0].id == Vocabulary::kNone)
    return encode_words(words, scratch, out);
  for (const AddedTokens::Piece& part : scratch.parts) {
    if (part.id != Vocabulary::kNone) {
      const Span origin = words.text.origin(part.span);
      out.add(part.id, origin.begin, origin.end);
    } else {
      scratch.part.text.assign(words.text, part.span);
      scratch.part.starts_input = words.starts_input && part.span.begin == 0;
      encode_words(scratch.part, scratch, out);
    }
  }
}

void Pipeline::encode_words(Words& words, Scratch& scratch, Tokens& out) const {
  words.reset();
  if (pre_tokenizer_) pre_tokenizer_->apply(words);
  const std::string_view bytes = words.text.bytes();
  for (const Span word : words.spans) {
    const size_t first = out.spans.size();
    model_->encode(bytes.substr(word.begin, word.end - word.begin), scratch.model, out);
    for (size_t i = first; i < out.spans.size(); ++i) {
      const Span span = out.spans[i];
      out.spans[i] = words.text.origin({word.begin + span.begin, word.begin + span.end});
    }
  }
}

std::vector<const Decoder*> Pipeline::decoders() const {
  std::vector<const Decoder*> steps{decoder_.get()};
  if (cleaner_) steps.push_back(cleaner_.get());
  return steps;
}

bool Pipeline::is_printed(int32_t id, bool skip_special_tokens) const {
  if (id < 0 || id >= id_limit()) {
    throw Error(ErrorCode::kInvalidArgument,
                "token id " + std::to_string(id) + " is not in the vocabulary of " +
                    std::to_string(id_limit()),
                "ids");
  }
  return token_exists(id) && !(skip_special_tokens && added_.is_special(token(id)));
}

std::string Pipeline::decode(std::span<const int32_t> ids, bool skip_special_tokens) const {
  DecoderStream stream(decoders());
  for (const int32_t id : ids) {
    if (is_printed(id, skip_special_tokens)) stream.put(token(id));
  }
  stream.end();
  return std::move(stream.text());
}

int32_t Pipeline::id_limit() const {
  return std::max(model_->vocabulary().id_limit(), added_.id_limit());
}

bool Pipeline::token_exists(int32_t id) const {
  return added_.find(id) || model_->vocabulary().has_id(id);
}

void Pipeline::trim_offsets(Tokens& tokens, std::string_view text) const {
  post_processor_->trim_offsets(tokens, text, model_->vocabulary(),
                                [this](int32_t id) { return added_.find(id) != nullptr; });
}

std::string_view Pipeline::token(int32_t id) const {
  if (const AddedTokens::Token* token = added_.find(id)) return token->spelled;
  return model_->vocabulary().token(id);
}

int32_t Pipeline::find(std::string_view token) const {
  if (const AddedTokens::Token* added = added_.find(token)) return added->id;
  return model_->vocabulary().find(token);
}

}  // namespace vecton::tokenizer
