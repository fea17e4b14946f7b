// Classes of tokenizers that keep a SentencePiece model.
#include <algorithm>

#include "base/base64.h"
#include "tokenizer/class_templates.h"
#include "tokenizer/tokenizer_classes.h"
#include "vecton/error.h"

namespace vecton::tokenizer {

namespace {

using Kind = SentencePieceModel::Kind;
using PieceType = SentencePieceModel::PieceType;
using ScoredTokens = std::vector<DocumentBuilder::ScoredToken>;

constexpr const char* kDoubleSpaces =
    R"({"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "})";
constexpr const char* kWhitespaceSplit = R"({"type":"WhitespaceSplit"})";
constexpr const char* kByteFallback = R"({"type":"ByteFallback"})";
constexpr const char* kFuse = R"({"type":"Fuse"})";
constexpr const char* kMarkToSpace =
    R"({"type":"Replace","pattern":{"String":"\u2581"},"content":" "})";
constexpr const char* kStripFirst = R"({"type":"Strip","content":" ","start":1,"stop":0})";

std::string replace(std::string_view from, std::string_view to) {
  return R"({"type":"Replace","pattern":{"String":)" + json_text(from) + R"(},"content":)" +
         json_text(to) + "}";
}

std::string replace_pattern(std::string_view from, std::string_view to) {
  return R"({"type":"Replace","pattern":{"Regex":)" + json_text(from) + R"(},"content":)" +
         json_text(to) + "}";
}

// The step of the pre-tokenizer, and that of the decoder.
std::string metaspace(std::string_view scheme, bool split = true) {
  return R"({"type":"Metaspace","replacement":"\u2581","prepend_scheme":")" + std::string(scheme) +
         R"(","split":)" + (split ? "true}" : "false}");
}

std::string_view scheme_of(ClassSource& source) {
  return source.flag("add_prefix_space", true) ? "always" : "never";
}

std::vector<std::string> precompiled(const ClassSource& source) {
  const std::string& map = source.sentencepiece->charsmap;
  if (map.empty()) return {};
  return {R"({"type":"Precompiled","precompiled_charsmap":")" + base::encode_base64(map) + "\"}"};
}

ScoredTokens pieces_from(const SentencePieceModel& model, size_t first) {
  ScoredTokens tokens;
  for (size_t i = first; i < model.pieces.size(); ++i)
    tokens.emplace_back(model.pieces[i].text, model.pieces[i].score);
  return tokens;
}

void append(ScoredTokens& tokens, const ScoredTokens& more) {
  tokens.insert(tokens.end(), more.begin(), more.end());
}

void set_unigram(ClassSource& source, const ScoredTokens& tokens, int64_t unk_id,
                 bool byte_fallback = false) {
  if (unk_id < 0 || unk_id >= static_cast<int64_t>(tokens.size())) {
    throw Error(ErrorCode::kCorrupt, source.document.file() +
                                         " has no piece for what is unknown: its number is " +
                                         std::to_string(unk_id));
  }
  source.document.set_unigram(R"({"type":"Unigram","unk_id":)" + std::to_string(unk_id) +
                                  R"(,"byte_fallback":)" + (byte_fallback ? "true}" : "false}"),
                              tokens);
}

// The place of a token whose score is 0, or `otherwise`.
int64_t find_unscored(const ScoredTokens& tokens, const std::string& token, int64_t otherwise) {
  const auto found = std::ranges::find(tokens, DocumentBuilder::ScoredToken(token, 0.0));
  return found == tokens.end() ? otherwise : found - tokens.begin();
}

void set_bpe(ClassSource& source, std::string_view options) {
  std::vector<std::string> tokens;
  std::vector<std::pair<std::string, int32_t>> vocab;
  for (const SentencePieceModel::Piece& piece : source.sentencepiece->pieces) {
    vocab.emplace_back(piece.text, static_cast<int32_t>(vocab.size()));
    tokens.push_back(piece.text);
  }
  source.document.set_model(options, vocab);
  source.document.set_merges(
      merge_rules(tokens, MergeUnit::kCharacters, MergeOrder::kByLength, source.document.file()));
}

// Pieces that the file marks as controls, and those that it wants to be found whole. They say how a
// named token is matched where the settings list no extra tokens.
void add_marked_pieces(ClassSource& source) {
  SpecialTokens& special = source.settings.special;
  for (const SentencePieceModel::Piece& piece : source.sentencepiece->pieces) {
    if (piece.type != PieceType::kControl && piece.type != PieceType::kUserDefined) continue;
    if (special.has_extra() && special.is_named(piece.text)) continue;
    AddedToken token = AddedToken::plain_special(piece.text);
    token.special = piece.type == PieceType::kControl;
    special.add_extra(std::move(token));
  }
}

void add_special_tokens(ClassSource& source) {
  add_marked_pieces(source);
  source.add_special_tokens();
}

void set_spaced_words(ClassSource& source, std::string_view scheme) {
  source.document.set_pre_tokenizer({kWhitespaceSplit, metaspace(scheme)});
  source.document.set_decoder({metaspace(scheme)});
}

void set_metaspace(ClassSource& source, std::string_view scheme) {
  source.document.set_pre_tokenizer({metaspace(scheme)});
  source.document.set_decoder({metaspace(scheme)});
}

// The steps that ALBERT and those after it share.
std::vector<std::string> quotes_and_accents(ClassSource& source, bool doubled_spaces,
                                            bool keeps_accents, bool lowercase) {
  std::vector<std::string> steps = {replace("``", "\""), replace("''", "\"")};
  if (doubled_spaces) steps.push_back(kDoubleSpaces);
  if (!keeps_accents) {
    steps.push_back(R"({"type":"NFKD"})");
    steps.push_back(R"({"type":"StripAccents"})");
  }
  if (lowercase) steps.push_back(R"({"type":"Lowercase"})");
  for (std::string& step : precompiled(source)) steps.push_back(std::move(step));
  return steps;
}

std::vector<std::string> spaces_and_nfc() {
  return {replace_pattern(R"(\s{2,}|[\n\r\t])", " "), R"({"type":"NFC"})",
          R"({"type":"Strip","strip_left":false,"strip_right":true})"};
}

}  // namespace

void build_albert(ClassSource& source) {
  set_unigram(source, pieces_from(*source.sentencepiece, 0), 1);
  source.document.set_normalizer(quotes_and_accents(
      source, false, source.flag("keep_accents", false), source.flag("do_lower_case", true)));
  set_spaced_words(source, scheme_of(source));
  add_special_tokens(source);
  source.set_bert_template();
}

void build_barthez(ClassSource& source) {
  set_unigram(source, pieces_from(*source.sentencepiece, 0), 3);
  source.document.set_normalizer(spaces_and_nfc());
  set_metaspace(source, scheme_of(source));
  add_special_tokens(source);
  source.set_bos_eos_template();
}

void build_big_bird(ClassSource& source) {
  const ScoredTokens tokens = pieces_from(*source.sentencepiece, 0);
  set_unigram(source, tokens, find_unscored(tokens, source.token("unk_token"), 100));
  source.document.set_normalizer({replace_pattern(" {2,}", "\u2581")});
  set_metaspace(source, scheme_of(source));
  add_special_tokens(source);
  source.set_bert_template();
}

void build_camembert(ClassSource& source) {
  const std::string unknown = source.token("unk_token");
  ScoredTokens tokens = {{"<s>NOTUSED", 0.0},
                         {source.token("pad_token"), 0.0},
                         {"</s>NOTUSED", 0.0},
                         {unknown, 0.0},
                         {"<unk>NOTUSED", -100.0}};
  append(tokens, pieces_from(*source.sentencepiece, 1));
  tokens.emplace_back(source.token("mask_token"), 0.0);
  set_unigram(
      source, tokens,
      std::ranges::find(tokens, unknown, &DocumentBuilder::ScoredToken::first) - tokens.begin());
  source.document.set_normalizer(precompiled(source));
  set_spaced_words(source, scheme_of(source));
  add_special_tokens(source);
  source.document.set_post_processor(
      doubled_template(source.token("bos_token"), source.token("eos_token")));
}

void build_llama(ClassSource& source) {
  const bool prefix_space = source.flag("add_prefix_space", true);
  set_bpe(source, R"({"type":"BPE","fuse_unk":true,"byte_fallback":true})");
  const std::string_view scheme = !prefix_space                  ? "never"
                                  : source.flag("legacy", false) ? "always"
                                                                 : "first";
  source.document.set_pre_tokenizer({metaspace(scheme, false)});
  std::vector<std::string> decoder = {kMarkToSpace, kByteFallback, kFuse};
  if (prefix_space) decoder.push_back(kStripFirst);
  source.document.set_decoder(decoder);
  add_special_tokens(source);
  source.set_bos_eos_template();
}

void build_code_llama(ClassSource& source) {
  set_bpe(source, R"({"type":"BPE","fuse_unk":true,"byte_fallback":true,"unk_token":)" +
                      json_text(source.token("unk_token")) + "}");
  source.document.set_pre_tokenizer(
      {metaspace(source.flag("add_prefix_space", true) ? "first" : "never", false)});
  source.document.set_decoder({kMarkToSpace, kByteFallback, kFuse, kStripFirst});
  for (const char* token :
       {"\u2581<PRE>", "\u2581<MID>", "\u2581<SUF>", "\u2581<EOT>", "<FILL_ME>"})
    source.settings.special.add_extra(AddedToken::plain_special(token));
  add_special_tokens(source);
  source.set_bos_eos_template(true);
}

void build_deberta_v2(ClassSource& source) {
  const ScoredTokens tokens = pieces_from(*source.sentencepiece, 0);
  set_unigram(source, tokens,
              find_unscored(tokens, source.token("unk_token"), source.sentencepiece->unk_id));
  std::vector<std::string> steps = spaces_and_nfc();
  if (source.flag("do_lower_case", false)) steps.insert(steps.begin(), R"({"type":"Lowercase"})");
  source.document.set_normalizer(steps);
  const std::string_view scheme = source.flag("add_prefix_space", true) ? "always" : "first";
  std::vector<std::string> words = {metaspace(scheme)};
  if (source.flag("split_by_punct", false))
    words.insert(words.begin(), R"({"type":"Punctuation","behavior":"Isolated"})");
  source.document.set_pre_tokenizer(words);
  source.document.set_decoder({metaspace(scheme)});
  add_special_tokens(source);
  source.set_bert_template();
}

void build_gemma(ClassSource& source) {
  set_bpe(source, R"({"type":"BPE","fuse_unk":true,"byte_fallback":true,"unk_token":)" +
                      json_text(source.token("unk_token")) + "}");
  source.document.set_normalizer({replace(" ", "\u2581")});
  source.document.set_pre_tokenizer(
      {R"({"type":"Split","pattern":{"String":" "},"behavior":"MergedWithPrevious","invert":false})"});
  source.document.set_decoder({kMarkToSpace, kByteFallback, kFuse});
  add_special_tokens(source);
  source.set_bos_eos_template();
}

void build_rembert(ClassSource& source) {
  set_unigram(source, pieces_from(*source.sentencepiece, 0), 2);
  source.document.set_normalizer(quotes_and_accents(source, true, source.flag("keep_accents", true),
                                                    source.flag("do_lower_case", false)));
  set_metaspace(source, scheme_of(source));
  add_special_tokens(source);
  source.set_bert_template();
}

// Texts lose their punctuation first.
void build_siglip(ClassSource& source) {
  set_unigram(source, pieces_from(*source.sentencepiece, 0), source.sentencepiece->unk_id);
  std::vector<std::string> steps;
  if (source.flag("do_lower_case", true)) steps.push_back(R"({"type":"Lowercase"})");
  steps.push_back(replace_pattern(R"([!-/:-@\[-`{-~])", ""));
  steps.push_back(replace_pattern(R"(\s+)", " "));
  steps.push_back(R"({"type":"Strip","strip_left":true,"strip_right":true})");
  for (std::string& step : precompiled(source)) steps.push_back(std::move(step));
  steps.push_back(R"({"type":"Strip","strip_left":false,"strip_right":true})");
  steps.push_back(replace_pattern(" {2,}", "\u2581"));
  source.document.set_normalizer(steps);
  set_metaspace(source, "always");
  add_special_tokens(source);
  source.document.set_post_processor(end_template(source.token("eos_token")));
}

void build_t5(ClassSource& source) {
  const Field config = source.settings.config_field();
  const int64_t extra =
      !config.is_null() && config.has("extra_ids") ? config["extra_ids"].count() : 100;
  constexpr int64_t kMostExtra = 100'000;
  if (extra > kMostExtra) {
    config["extra_ids"].fail(ErrorCode::kCorrupt, "must be at most " + std::to_string(kMostExtra));
  }
  ScoredTokens tokens = pieces_from(*source.sentencepiece, 0);
  for (int64_t i = extra - 1; i >= 0; --i)
    tokens.emplace_back("<extra_id_" + std::to_string(i) + ">", 0.0);
  set_unigram(source, tokens, 2);
  source.document.set_normalizer(precompiled(source));
  set_spaced_words(source, "always");
  for (int64_t i = 0; i < extra; ++i) {
    source.settings.special.add_extra(
        AddedToken::plain_special("<extra_id_" + std::to_string(i) + ">"));
  }
  add_special_tokens(source);
  source.document.set_post_processor(end_template(source.token("eos_token")));
}

// The model was trained with other ids for the first pieces than its file has.
void build_xlm_roberta(ClassSource& source) {
  ScoredTokens tokens = {{source.token("bos_token"), 0.0},
                         {source.token("pad_token"), 0.0},
                         {source.token("eos_token"), 0.0},
                         {source.token("unk_token"), 0.0}};
  append(tokens, pieces_from(*source.sentencepiece, 3));
  tokens.emplace_back(source.token("mask_token"), 0.0);
  set_unigram(source, tokens, 3);
  source.document.set_normalizer(precompiled(source));
  set_spaced_words(source, scheme_of(source));
  add_special_tokens(source);
  source.document.set_post_processor(
      doubled_template(source.token("bos_token"), source.token("eos_token")));
}

void build_xlnet(ClassSource& source) {
  set_unigram(source, pieces_from(*source.sentencepiece, 0), source.sentencepiece->unk_id);
  source.document.set_normalizer(
      quotes_and_accents(source, false, false, source.flag("do_lower_case", false)));
  set_spaced_words(source, "always");
  for (const char* token : {"<eop>", "<eod>"})
    source.settings.special.add_extra(AddedToken::plain_special(token));
  add_special_tokens(source);
  source.document.set_post_processor(
      xlnet_template(source.token("cls_token"), source.token("sep_token")));
}

void build_sentencepiece(ClassSource& source) {
  const SentencePieceModel& model = *source.sentencepiece;
  const std::string& file = source.document.file();
  if (model.kind != Kind::kUnigram && model.kind != Kind::kBpe) {
    throw Error(ErrorCode::kUnsupported,
                file + " is a model of words or characters: unigram and BPE models are supported");
  }
  if (model.whitespace_is_suffix || !model.escapes_spaces) {
    throw Error(ErrorCode::kUnsupported,
                file +
                    " writes spaces in a way that is not supported: treat_whitespace_as_suffix "
                    "must be false and escape_whitespaces true");
  }
  const std::string byte_fallback = model.byte_fallback ? "true" : "false";
  if (model.kind == Kind::kUnigram) {
    set_unigram(source, pieces_from(model, 0), model.unk_id, model.byte_fallback);
  } else {
    set_bpe(source, R"({"type":"BPE","fuse_unk":true,"byte_fallback":)" + byte_fallback +
                        R"(,"unk_token":)" + json_text(model.unk_piece) + "}");
  }
  std::vector<std::string> steps = precompiled(source);
  if (model.removes_extra_spaces) {
    steps.push_back(kDoubleSpaces);
    steps.push_back(replace_pattern(R"(\A | \z)", ""));
  }
  if (model.dummy_prefix) steps.push_back(R"({"type":"Prepend","prepend":"\u2581"})");
  steps.push_back(replace(" ", "\u2581"));
  source.document.set_normalizer(steps);
  std::vector<std::string> decoder = {kMarkToSpace, kByteFallback, kFuse};
  if (model.dummy_prefix) decoder.push_back(kStripFirst);
  source.document.set_decoder(decoder);
  SpecialTokens& special = source.settings.special;
  const auto name = [&](std::string_view key, int32_t id, const std::string& piece) {
    if (id >= 0) special.set_default(key, AddedToken::plain_special(piece));
  };
  name("bos_token", model.bos_id, model.bos_piece);
  name("eos_token", model.eos_id, model.eos_piece);
  name("unk_token", model.unk_id, model.unk_piece);
  name("pad_token", model.pad_id, model.pad_piece);
  add_special_tokens(source);
  source.set_bos_eos_template();
}

}  // namespace vecton::tokenizer
