#include "tokenizer/gguf_tokenizer.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/base64.h"
#include "base/utf8.h"
#include "tokenizer/class_templates.h"
#include "tokenizer/document_builder.h"
#include "tokenizer/gguf_pre_tokenizers.h"
#include "tokenizer/merge_rules.h"
#include "vecton/error.h"

namespace vecton::tokenizer {

namespace {

constexpr std::string_view kTokens = "tokenizer.ggml.tokens", kTypes = "tokenizer.ggml.token_type",
                           kScores = "tokenizer.ggml.scores", kMerges = "tokenizer.ggml.merges",
                           kPre = "tokenizer.ggml.pre";
constexpr std::string_view kSpaceMark = "\u2581";  // a space, as SentencePiece writes it

// With the numbers of the file.
enum TokenType : int64_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4 };

std::string key_of(std::string_view name) { return "tokenizer.ggml." + std::string(name); }

// The vocabulary of a file, and the document that is made of it.
class Builder {
 public:
  Builder(const gguf::File& file, TokenizerSettings& settings, json::storage_ptr memory)
      : file_(file), settings_(settings), document_(file.what(), std::move(memory)) {
    tokens_ = file.texts(kTokens);
    types_ = file.integers(kTypes);
    if (tokens_.empty()) file.fail(kTokens, "missing; an array of strings is expected");
    if (!types_.empty() && types_.size() != tokens_.size())
      file.fail(kTypes, "has " + std::to_string(types_.size()) + " numbers for " +
                            std::to_string(tokens_.size()) + " tokens");
    types_.resize(tokens_.size(), kNormal);
    for (const std::string_view token : tokens_) {
      if (!utf8::is_valid(token)) file.fail(kTokens, "has a token that is not UTF-8");
    }
  }

  json::value build() {
    const std::string_view model = file_.text("tokenizer.ggml.model");
    settings_.returns_type_ids = model == "bert";
    if (model == "gpt2") {
      byte_level();
    } else if (model == "llama") {
      const std::vector<std::string> ranked = ranked_tokens();  // the rules point into them
      sentencepiece_pairs(
          merge_rules(ranked, MergeUnit::kCharacters, MergeOrder::kByLength, file_.what()));
    } else if (model == "gemma4") {
      sentencepiece_pairs(merges());
    } else if (model == "bert") {
      wordpiece();
    } else if (model == "t5") {
      unigram();
    } else {
      file_.fail(
          "tokenizer.ggml.model",
          "\"" + std::string(model.substr(0, 80)) +
              "\" is not supported; accepted are bert, gemma4, gpt2, llama and t5 (--tokenizer "
              "names a folder or model with another one)",
          ErrorCode::kUnsupported);
    }
    return document_.finish();
  }

 private:
  size_t size() const { return tokens_.size(); }
  bool is_added(size_t i) const { return types_[i] == kControl || types_[i] == kUserDefined; }

  // The token that a key gives the number of; empty where there is none.
  std::string named(std::string_view key) const {
    const std::string full = key_of(key);
    if (!file_.has(full)) return "";
    return std::string(
        tokens_[static_cast<size_t>(file_.integer(full, 0, static_cast<int64_t>(size()) - 1))]);
  }
  // The same of a token that files may leave out.
  std::string named_or(std::string_view key, std::string_view token) const {
    const std::string found = named(key);
    const bool there = found.empty() && std::ranges::count(tokens_, token) > 0;
    return there ? std::string(token) : found;
  }
  bool flag(std::string_view key, bool fallback) const {
    return file_.boolean_or(key_of(key), fallback);
  }

  void name_special(std::string_view name, const std::string& token) {
    if (!token.empty()) settings_.special.set_default(name, AddedToken::plain_special(token));
  }
  void name_special_tokens() {
    name_special("bos_token", named("bos_token_id"));
    name_special("eos_token", named("eos_token_id"));
    name_special("unk_token", named("unknown_token_id"));
    name_special("sep_token", named("seperator_token_id"));  // so spelled in the files
    name_special("pad_token", named("padding_token_id"));
    name_special("cls_token", named("cls_token_id"));
    name_special("mask_token", named("mask_token_id"));
  }

  // Tokens that are found whole.
  void add_tokens() {
    name_special_tokens();
    std::vector<AddedToken> added;
    for (size_t i = 0; i < size(); ++i) {
      const bool named = settings_.special.is_named(tokens_[i]);
      if (tokens_[i].empty() || (!is_added(i) && !named)) continue;
      AddedToken token = AddedToken::plain_special(tokens_[i]);
      token.special = types_[i] != kUserDefined;
      added.push_back(std::move(token));
    }
    document_.add_tokens(added);
  }

  // What is put around texts where the file asks for it.
  void set_template(bool bos_by_default, bool eos_by_default) {
    const std::string bos = named_or("bos_token_id", ""), eos = named_or("eos_token_id", "");
    const bool add_bos = flag("add_bos_token", bos_by_default) && !bos.empty(),
               add_eos = flag("add_eos_token", eos_by_default) && !eos.empty();
    if (!add_bos && !add_eos) return;
    const std::string sep = named("seperator_token_id");
    const bool add_sep = flag("add_sep_token", false) && !sep.empty();
    std::vector<TemplatePart> single, pair;
    if (add_bos) single.emplace_back(bos, 0);
    single.emplace_back("$A", 0);
    if (add_eos) single.emplace_back(eos, 0);
    pair = single;
    // RoBERTa's kind: one more between the texts. ModernBERT's: nothing more. The others begin the
    // second like the first.
    if (add_sep || is_roberta()) {
      pair.emplace_back(add_sep ? sep : eos, 0);
    } else if (add_bos && !is_modern_bert()) {
      pair.emplace_back(bos, 0);
    }
    pair.emplace_back("$B", 0);
    if (add_eos) pair.emplace_back(eos, 0);
    document_.set_post_processor(template_processing(single, pair));
  }

  bool is_roberta() const { return file_.text("general.architecture") == "bert"; }

  bool is_modern_bert() const { return file_.text("general.architecture") == "modern-bert"; }

  std::vector<std::pair<std::string, int32_t>> vocabulary() const {
    std::vector<std::pair<std::string, int32_t>> vocab;
    vocab.reserve(size());
    for (size_t i = 0; i < size(); ++i) vocab.emplace_back(tokens_[i], static_cast<int32_t>(i));
    return vocab;
  }

  MergeRules merges() const {
    MergeRules rules;
    const std::vector<std::string_view> lines = file_.texts(kMerges);
    rules.reserve(lines.size());
    for (const std::string_view line : lines) {
      // A part may begin with a space; none is empty.
      const size_t space = line.find(' ', 1);
      if (space == line.npos || space + 1 == line.size() || !utf8::is_valid(line))
        file_.fail(kMerges, "two tokens with a space between them are wanted, found \"" +
                                utf8::repair(line.substr(0, 80)) + "\"");
      rules.emplace_back(line.substr(0, space), line.substr(space + 1));
    }
    if (rules.empty()) file_.fail(kMerges, "missing; an array of strings is expected");
    return rules;
  }

  void byte_level() {
    const std::string_view name = file_.text_or(kPre, "");
    const GgufPreTokenizer* pre = find_gguf_pre_tokenizer(name);
    if (!pre) {
      file_.fail(kPre,
                 (name.empty() ? "missing: how texts are split is not known"
                               : "\"" + std::string(name.substr(0, 80)) + "\" is not supported") +
                     "; accepted are " + gguf_pre_tokenizer_names() +
                     " (--tokenizer names a folder or model with another one)",
                 ErrorCode::kUnsupported);
    }
    document_.set_model(
        std::string(R"({"type":"BPE","fuse_unk":false,"byte_fallback":false,"ignore_merges":)") +
            (pre->ignore_merges ? "true}" : "false}"),
        vocabulary());
    document_.set_merges(merges());
    if (pre->nfc) document_.set_normalizer({R"({"type":"NFC"})"});
    document_.set_pre_tokenizer(steps_of(*pre));
    document_.set_decoder(
        {R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true})"});
    add_tokens();
    set_template(pre->adds_bos, false);
  }

  std::vector<double> scores() const {
    std::vector<double> scores = file_.numbers(kScores);
    if (scores.size() != size())
      file_.fail(kScores, "has " + std::to_string(scores.size()) + " numbers for " +
                              std::to_string(size()) + " tokens");
    return scores;
  }

  // By their scores: pairs are joined in the order of what they make.
  std::vector<std::string> ranked_tokens() const {
    const std::vector<double> scores = this->scores();
    std::vector<size_t> order;
    for (size_t i = 0; i < size(); ++i) {
      if (types_[i] == kNormal && !tokens_[i].empty()) order.push_back(i);
    }
    std::ranges::stable_sort(order, [&](size_t a, size_t b) { return scores[a] > scores[b]; });
    std::vector<std::string> ranked;
    ranked.reserve(order.size());
    for (const size_t i : order) ranked.emplace_back(tokens_[i]);
    return ranked;
  }

  void sentencepiece_pairs(const MergeRules& rules) {
    const std::string unknown = named("unknown_token_id");
    document_.set_model(std::string(R"({"type":"BPE","fuse_unk":true,"byte_fallback":true)") +
                            (unknown.empty() ? "" : R"(,"unk_token":)" + json_text(unknown)) + "}",
                        vocabulary());
    document_.set_merges(rules);
    const bool prefix = flag("add_space_prefix", true);
    std::vector<std::string> normalizer;
    if (prefix)
      normalizer.push_back(R"({"type":"Prepend","prepend":)" + json_text(kSpaceMark) + "}");
    normalizer.push_back(R"({"type":"Replace","pattern":{"String":" "},"content":)" +
                         json_text(kSpaceMark) + "}");
    document_.set_normalizer(normalizer);
    std::vector<std::string> decoder = {
        R"({"type":"Replace","pattern":{"String":)" + json_text(kSpaceMark) + R"(},"content":" "})",
        R"({"type":"ByteFallback"})", R"({"type":"Fuse"})"};
    if (prefix) decoder.push_back(R"({"type":"Strip","content":" ","start":1,"stop":0})");
    document_.set_decoder(decoder);
    add_tokens();
    set_template(true, false);
  }

  // Tokens that begin a word have a mark, where a vocab.txt marks those that do not.
  void wordpiece() {
    std::vector<std::pair<std::string, int32_t>> vocab;
    bool cased = false;
    for (size_t i = 0; i < size(); ++i) {
      const std::string_view token = tokens_[i];
      const bool begins = token.starts_with(kSpaceMark) && token.size() > kSpaceMark.size();
      const bool whole = types_[i] != kNormal || (token.starts_with('[') && token.ends_with(']'));
      std::string own = whole    ? std::string(token)
                        : begins ? std::string(token.substr(kSpaceMark.size()))
                                 : "##" + std::string(token);
      cased |= !whole && std::ranges::any_of(own, [](char c) { return c >= 'A' && c <= 'Z'; });
      vocab.emplace_back(std::move(own), static_cast<int32_t>(i));
    }
    const std::string unknown = named_or("unknown_token_id", "[UNK]");
    document_.set_model(
        R"({"type":"WordPiece","continuing_subword_prefix":"##","max_input_chars_per_word":100,)"
        R"("unk_token":)" +
            json_text(unknown) + "}",
        vocab);
    // The file does not say whether texts are lower-cased: the vocabulary shows it.
    document_.set_normalizer(
        {std::string(R"({"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,)") +
         R"("strip_accents":null,"lowercase":)" + (cased ? "false}" : "true}")});
    document_.set_pre_tokenizer({R"({"type":"BertPreTokenizer"})"});
    document_.set_decoder({R"({"type":"WordPiece","prefix":"##","cleanup":true})"});
    std::string cls = named("cls_token_id");
    if (cls.empty()) cls = named_or("bos_token_id", "[CLS]");
    std::string sep = named("seperator_token_id");
    if (sep.empty()) sep = named_or("eos_token_id", "[SEP]");
    name_special("cls_token", cls);
    name_special("sep_token", sep);
    add_tokens();
    document_.set_post_processor(bert_template(cls, sep));
  }

  void unigram() {
    const std::vector<double> scores = this->scores();
    std::vector<DocumentBuilder::ScoredToken> vocab;
    vocab.reserve(size());
    for (size_t i = 0; i < size(); ++i) vocab.emplace_back(tokens_[i], scores[i]);
    const int64_t unknown =
        file_.integer(key_of("unknown_token_id"), 0, static_cast<int64_t>(size()) - 1);
    document_.set_unigram(
        R"({"type":"Unigram","unk_id":)" + std::to_string(unknown) + R"(,"byte_fallback":false})",
        vocab);
    std::string map;
    for (const int64_t byte : file_.integers(key_of("precompiled_charsmap")))
      map += static_cast<char>(byte);
    std::vector<std::string> normalizer;
    if (!map.empty())
      normalizer.push_back(R"({"type":"Precompiled","precompiled_charsmap":")" +
                           base::encode_base64(map) + "\"}");
    document_.set_normalizer(normalizer);
    const std::string metaspace =
        R"({"type":"Metaspace","replacement":)" + json_text(kSpaceMark) + R"(,"prepend_scheme":")" +
        (flag("add_space_prefix", true) ? "always" : "never") + R"(","split":true})";
    document_.set_pre_tokenizer({R"({"type":"WhitespaceSplit"})", metaspace});
    document_.set_decoder({metaspace});
    add_tokens();
    set_template(false, true);
  }

  const gguf::File& file_;
  TokenizerSettings& settings_;
  DocumentBuilder document_;
  std::vector<std::string_view> tokens_;
  std::vector<int64_t> types_;
};

}  // namespace

json::value gguf_tokenizer(const gguf::File& file, TokenizerSettings& settings,
                           json::storage_ptr memory) {
  settings.model_takes_type_ids = true;
  return Builder(file, settings, std::move(memory)).build();
}

}  // namespace vecton::tokenizer
