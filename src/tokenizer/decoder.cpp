#include "tokenizer/decoder.h"

#include <utility>

#include "tokenizer/decoder_steps.h"

namespace vecton::tokenizer {

namespace {

class DecoderSequence : public Decoder {
 public:
  explicit DecoderSequence(const Field& field) {
    const Field items = field["decoders"];
    for (size_t i = 0; i < items.array().size(); ++i) {
      if (auto step = make_decoder(items[i])) steps_.push_back(std::move(step));
    }
  }
  void open(std::vector<std::unique_ptr<TokenSink>>& streams, TokenSink& to) const override {
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) (*step)->open(streams, to);
  }

 private:
  std::vector<std::unique_ptr<const Decoder>> steps_;
};

class FuseStream : public JoiningStream {
 public:
  FuseStream(const NoSettings&, TokenSink& to) : JoiningStream(to) {}
  void put(std::string_view piece, bool, bool) override { give(piece); }
};

class SpaceJoinerStream : public JoiningStream {
 public:
  SpaceJoinerStream(const NoSettings&, TokenSink& to) : JoiningStream(to) {}
  void put(std::string_view piece, bool begins, bool) override {
    if (begins && !first_) give(" ");
    first_ = false;
    give(piece);
  }

 private:
  bool first_ = true;
};

}  // namespace

std::unique_ptr<const Decoder> make_space_joiner() {
  return make_step<SpaceJoinerStream>(NoSettings());
}

std::unique_ptr<const Decoder> make_decoder(const Field& field) {
  if (field.is_null()) return nullptr;
  const std::string_view type = field["type"].string();
  if (type == "Sequence") return std::make_unique<DecoderSequence>(field);
  if (type == "ByteLevel") return make_byte_level_decoder();
  if (type == "WordPiece") return make_word_piece_decoder(field);
  if (type == "Metaspace") return make_metaspace_decoder(field);
  if (type == "BPEDecoder") return make_bpe_decoder(field);
  if (type == "Replace") return make_replace_decoder(field);
  if (type == "ByteFallback") return make_byte_fallback_decoder();
  if (type == "Fuse") return make_step<FuseStream>(NoSettings());
  if (type == "Strip") return make_strip_decoder(field);
  if (type == "CTC") return make_ctc_decoder(field);
  field.unsupported(type);
}

DecoderStream::DecoderStream(const std::vector<const Decoder*>& steps) {
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) (*step)->open(streams_, text_);
  if (streams_.empty()) make_step<FuseStream>(NoSettings())->open(streams_, text_);
}

}  // namespace vecton::tokenizer
