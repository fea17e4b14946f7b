// Pipeline: a tokenizer.json as the steps it names. Added tokens -> normalizer -> pre-tokenizer ->
// model, and the post-processor and decoder beside them.
//
// Built once from the file, then immutable and used from any thread. Truncation and padding of the
// file are not read: they are what the file's last user did, not what the model is.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/added_tokens.h"
#include "tokenizer/decoder.h"
#include "tokenizer/model.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/post_processor.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/settings.h"

namespace vecton::tokenizer {

class Pipeline {
 public:
  // `file` names the document in errors.
  Pipeline(std::string_view json_text, const std::string& file);
  // With the tokens that the settings add to the document's.
  Pipeline(const json::value& document, const std::string& file, const TokenizerSettings& settings);

  // The ids of one text, without special tokens; spans are bytes of `text` when asked for. `text`
  // is valid UTF-8.
  void encode(std::string_view text, Tokens& out) const;

  // Takes spaces off the spans of `text`'s tokens, where the post-processor asks for it.
  void trim_offsets(Tokens& tokens, std::string_view text) const;

  // Ids without a token are an error (kInvalidArgument).
  std::string decode(std::span<const int32_t> ids, bool skip_special_tokens) const;

  // The steps of decode(), for ids that come one at a time: those that are printed go into a
  // DecoderStream.
  std::vector<const Decoder*> decoders() const;
  bool is_printed(int32_t id, bool skip_special_tokens) const;

  bool is_byte_level() const { return is_byte_level_; }  // the model sees bytes
  std::string_view continuing_subword_prefix() const { return model_->continuing_subword_prefix(); }
  const PostProcessor& post_processor() const { return *post_processor_; }
  int32_t id_limit() const;
  std::string_view token(int32_t id) const;    // empty when there is none
  int32_t find(std::string_view token) const;  // or Vocabulary::kNone

 private:
  struct Scratch {
    Words words, part;
    ModelScratch model;
    std::vector<AddedTokens::Piece> pieces, parts;

    // Gives back what only a long text needed; the word cache stays.
    void release();
  };
  // Scratches wait here between calls, one for each call that ran at the same time.
  class Lease;

  void read_added_tokens(const Field& field, const TokenizerSettings& settings);
  void encode_piece(std::string_view piece, uint32_t shift, Scratch& scratch, Tokens& out) const;
  void encode_words(Words& words, Scratch& scratch, Tokens& out) const;
  bool token_exists(int32_t id) const;

  std::unique_ptr<const Normalizer> normalizer_;
  std::unique_ptr<const PreTokenizer> pre_tokenizer_;
  std::unique_ptr<const Model> model_;
  std::unique_ptr<const PostProcessor> post_processor_;
  std::unique_ptr<const Decoder> decoder_, cleaner_;
  AddedTokens added_;
  bool is_byte_level_ = false;
  bool always_tracked_ = false;  // a step asks for origins

  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Scratch>> free_;  // guarded by mutex_
};

}  // namespace vecton::tokenizer
