#include "tokenizer/class_overrides.h"

#include <string>
#include <vector>

#include "tokenizer/class_templates.h"
#include "vecton/error.h"

namespace vecton::tokenizer {

namespace {

constexpr std::string_view kLowercase = R"({"type":"Lowercase"})";

void set_scheme(DocumentSteps& steps, std::string_view scheme) {
  for (json::object* step : steps.all()) {
    if (!is_step(*step, "Metaspace")) continue;
    step->erase("add_prefix_space");  // how older files say it
    (*step)["prepend_scheme"] = scheme;
  }
}

// A file may leave out how tokens become a text.
void set_missing_decoder(FileOverride& file, std::string_view step) {
  if (file.decoder.all().empty()) file.decoder.append(step);
}

void set_scheme(FileOverride& file, std::string_view scheme) {
  if (file.pre_tokenizer.has("Metaspace"))
    set_missing_decoder(file, R"({"type":"Metaspace","replacement":"\u2581"})");
  set_scheme(file.pre_tokenizer, scheme);
  set_scheme(file.decoder, scheme);
}

// The text in lower case from the step `at` on, or in no step.
void set_lowercase(FileOverride& file, bool wanted, size_t at) {
  if (!wanted) return file.normalizer.remove("Lowercase");
  if (!file.normalizer.has("Lowercase")) file.normalizer.insert(at, kLowercase);
}

void set_accents(FileOverride& file, bool kept) {
  if (kept) {
    file.normalizer.remove("NFKD");
    file.normalizer.remove("StripAccents");
  } else if (!file.normalizer.has("StripAccents")) {
    const size_t at = file.normalizer.after_leading("Replace");
    file.normalizer.insert(at, R"({"type":"StripAccents"})");
    if (!file.normalizer.has("NFKD")) file.normalizer.insert(at, R"({"type":"NFKD"})");
  }
}

// ALBERT and those after it: quotes, accents, case, in this order.
void set_accents_and_case(FileOverride& file, bool keeps_accents, bool lowercase) {
  set_accents(file, file.flag("keep_accents", keeps_accents));
  const size_t quotes = file.normalizer.after_leading("Replace");
  set_lowercase(file, file.flag("do_lower_case", lowercase),
                file.normalizer.after("StripAccents", quotes));
}

// Whether a tokenizer.json has a token.
bool has_token(const json::object& document, std::string_view content) {
  const json::value* const added = document.if_contains("added_tokens");
  for (const json::value& token : added && added->is_array() ? added->get_array() : json::array()) {
    const json::object* const object = token.if_object();
    const json::value* const text = object ? object->if_contains("content") : nullptr;
    if (text && text->is_string() && text->get_string() == content) return true;
  }
  const json::value* const model = document.if_contains("model");
  const json::value* const vocab =
      model && model->is_object() ? model->get_object().if_contains("vocab") : nullptr;
  if (vocab && vocab->is_object()) return vocab->get_object().contains(content);
  for (const json::value& piece : vocab && vocab->is_array() ? vocab->get_array() : json::array()) {
    const json::array* const pair = piece.if_array();
    if (pair && !pair->empty() && (*pair)[0].is_string() && (*pair)[0].get_string() == content)
      return true;
  }
  return false;
}

// What the class puts around texts, made of two tokens; the file's own where one is missing.
template <typename Make>
void set_post_processor(FileOverride& file, std::string_view first, std::string_view second,
                        Make&& make) {
  const std::string_view a = file.token(first), b = file.token(second);
  if (!a.empty() && !b.empty()) file.document["post_processor"] = make(a, b);
}

void set_bert_template(FileOverride& file, int cls_type = 0) {
  set_post_processor(file, "cls_token", "sep_token",
                     [&](auto cls, auto sep) { return bert_template(cls, sep, cls_type); });
}

bool has_post_processor(const FileOverride& file) {
  const json::value* const processor = file.document.if_contains("post_processor");
  return processor && !processor->is_null();
}

// The pre-tokenizer's Metaspace of Llama's classes, or what older files have in its place.
void set_llama_scheme(FileOverride& file, std::string_view scheme) {
  const bool prefix = scheme != "never";
  const bool bare = file.pre_tokenizer.all().empty() && !file.normalizer.has("Prepend") &&
                    file.normalizer.has("Replace");
  if (prefix && bare) {
    file.normalizer.remove("Replace");
    file.pre_tokenizer.append(R"({"type":"Metaspace","replacement":"\u2581","split":false})");
  }
  set_scheme(file, scheme);
  if (!prefix) {
    file.normalizer.remove("Prepend");
    file.decoder.remove("Strip");
  } else if (file.pre_tokenizer.has("Metaspace") && !file.decoder.has("Strip")) {
    file.decoder.append(R"({"type":"Strip","content":" ","start":1,"stop":0})");
  }
}

void set_bert_normalizer(FileOverride& file, bool lowercase) {
  set_missing_decoder(file, R"({"type":"WordPiece","prefix":"##","cleanup":true})");
  json::value accents = nullptr;
  if (!file.config.is_null() && file.config.has("strip_accents"))
    accents = file.config["strip_accents"].boolean();
  const bool own = file.normalizer.has("BertNormalizer");
  if (!own && lowercase == file.normalizer.has("Lowercase")) return;
  if (!own) file.normalizer.assign(R"({"type":"BertNormalizer","clean_text":true})");
  for (json::object* step : file.normalizer.all()) {
    if (!is_step(*step, "BertNormalizer")) continue;
    (*step)["lowercase"] = lowercase;
    (*step)["strip_accents"] = accents;
    (*step)["handle_chinese_chars"] = file.flag("tokenize_chinese_chars", true);
  }
}

void set_bert_normalizer(FileOverride& file) {
  set_bert_normalizer(file, file.flag("do_lower_case", true));
}

void set_prefix_space(FileOverride& file, bool wanted) {
  if (file.pre_tokenizer.has("ByteLevel")) set_missing_decoder(file, R"({"type":"ByteLevel"})");
  for (json::object* step : file.pre_tokenizer.all()) {
    if (is_step(*step, "ByteLevel")) (*step)["add_prefix_space"] = wanted;
  }
}

void set_roberta_processing(FileOverride& file, bool trim_offsets, bool prefix_space) {
  set_post_processor(file, "cls_token", "sep_token", [&](auto cls, auto sep) {
    return roberta_processing(cls, sep, trim_offsets, prefix_space);
  });
}

// Translators have the text's language, a token, before it, or behind it and eos_token.
void set_language(FileOverride& file, std::string_view otherwise, bool before,
                  std::string_view mark = "") {
  std::string language = file.text("src_lang", otherwise);
  if (language.find(mark) == std::string::npos)
    language = std::string(mark) + language + std::string(mark);
  const std::string_view eos = file.token("eos_token");
  if (!has_token(file.document, language)) {
    if (file.config.is_null() || !file.config.has("src_lang")) return;
    throw Error(ErrorCode::kUnsupported,
                "tokenizer_config.json: src_lang \"" + language +
                    "\" is no token of tokenizer.json; wanted: a language's token, such as \"" +
                    std::string(otherwise) + "\"",
                "src_lang");
  }
  if (eos.empty()) return;
  file.document["post_processor"] =
      before ? template_processing({{language, 0}, {"$A", 0}, {eos, 0}},
                                   {{language, 0}, {"$A", 0}, {"$B", 0}, {eos, 0}})
             : template_processing({{"$A", 0}, {eos, 0}, {language, 0}},
                                   {{"$A", 0}, {"$B", 0}, {eos, 0}, {language, 0}});
}

}  // namespace

std::string_view FileOverride::token(std::string_view name) const {
  const AddedToken* const token = settings.find(name);
  if (token) return token->content;
  const AddedToken* const own = special.find(name);
  return own && has_token(document, own->content) ? own->content : std::string_view();
}

void override_bert(FileOverride& file) {
  set_bert_normalizer(file);
  set_bert_template(file);
}

void override_dpr_reader(FileOverride& file) {
  set_bert_normalizer(file, true);  // the class does not hand do_lower_case on
  set_bert_template(file);
}

// A question's text ends with a mark of it.
void override_splinter(FileOverride& file) {
  override_bert(file);
  const std::string mark = file.text("question_token", "[QUESTION]");
  const bool left = file.text("padding_side", "right") == "left";
  if (!has_token(file.document, mark) || !has_token(file.document, ".")) return;
  set_post_processor(file, "cls_token", "sep_token", [&](auto cls, auto sep) {
    std::vector<TemplatePart> pair = {{cls, 0}, {"$A", 0}};
    if (!left) pair.insert(pair.end(), {{mark, 0}, {".", 0}});
    pair.insert(pair.end(), {{sep, 0}, {"$B", 1}});
    if (left) pair.insert(pair.end(), {{mark, 0}, {".", 0}});
    pair.emplace_back(sep, 1);
    return template_processing({{cls, 0}, {"$A", 0}, {sep, 0}}, pair);
  });
}

void override_mpnet(FileOverride& file) {
  set_bert_normalizer(file);
  set_post_processor(file, "cls_token", "sep_token",
                     [](auto cls, auto sep) { return roberta_processing(cls, sep, true, false); });
}

void override_funnel(FileOverride& file) {
  set_bert_normalizer(file);
  for (json::object* step : file.normalizer.all()) {
    if (is_step(*step, "BertNormalizer")) (*step)["clean_text"] = file.flag("clean_text", true);
  }
  set_bert_template(file, 2);
}

void override_clip(FileOverride& file) {
  file.decoder.assign(kClipDecoder[0]);
  for (size_t i = 1; i < kClipDecoder.size(); ++i) file.decoder.append(kClipDecoder[i]);
  set_post_processor(file, "bos_token", "eos_token",
                     [](auto bos, auto eos) { return roberta_processing(bos, eos, false, false); });
}

void override_byte_level(FileOverride& file) {
  set_prefix_space(file, file.flag("add_prefix_space", false));
}

void override_blenderbot(FileOverride& file) {
  set_prefix_space(file, file.flag("add_prefix_space", true));
}

void override_deberta(FileOverride& file) {
  override_byte_level(file);
  set_post_processor(file, "cls_token", "sep_token", doubled_template);
}

// The class asks for tokens around texts where there is no tokenizer.json alone.
void override_gpt_neox(FileOverride& file) {
  override_byte_level(file);
  file.document["post_processor"] = begin_end_template("", "");
}

void override_roberta(FileOverride& file) {
  override_byte_level(file);
  set_roberta_processing(file, file.flag("trim_offsets", true),
                         file.flag("add_prefix_space", false));
}

void override_luke(FileOverride& file) {
  override_byte_level(file);
  set_roberta_processing(file, true, true);
}

void override_layoutlmv3(FileOverride& file) {
  const bool prefix_space = file.flag("add_prefix_space", true);
  set_prefix_space(file, prefix_space);
  set_roberta_processing(file, true, prefix_space);
}

void override_markuplm(FileOverride& file) {
  override_byte_level(file);
  set_post_processor(file, "cls_token", "sep_token", [](auto cls, auto sep) {
    return template_processing({{cls, 0}, {"$A", 0}, {sep, 0}},
                               {{cls, 0}, {"$A", 0}, {sep, 0}, {"$B", 0}, {sep, 0}});
  });
}

void override_whisper(FileOverride& file) {
  override_byte_level(file);
  for (const char* key : {"language", "task", "predict_timestamps"}) {
    if (file.config.is_null() || !file.config.has(key) ||
        (key == std::string_view("predict_timestamps") && !file.config[key].boolean()))
      continue;
    throw Error(ErrorCode::kUnsupported,
                "tokenizer_config.json: " + std::string(key) +
                    " of WhisperTokenizer, which puts tokens for speech around texts, is not "
                    "supported; without it they are what tokenizer.json says",
                key);
  }
}

void override_metaspace(FileOverride& file) {
  set_scheme(file, file.flag("add_prefix_space", true) ? "always" : "never");
}

void override_big_bird(FileOverride& file) {
  override_metaspace(file);
  set_bert_template(file);
}

void override_xlm_roberta(FileOverride& file) {
  override_metaspace(file);
  set_post_processor(file, "bos_token", "eos_token", doubled_template);
}

void override_layoutxlm(FileOverride& file) {
  override_metaspace(file);
  set_post_processor(file, "cls_token", "sep_token", doubled_template);
}

void override_xglm(FileOverride& file) {
  override_metaspace(file);
  set_post_processor(file, "eos_token", "eos_token", [](auto eos, auto) {
    return template_processing({{eos, 0}, {"$A", 0}},
                               {{eos, 0}, {"$A", 0}, {eos, 0}, {eos, 0}, {"$B", 0}});
  });
}

void override_mbart(FileOverride& file) { set_language(file, "en_XX", false); }
void override_mbart50(FileOverride& file) { set_language(file, "en_XX", true); }
void override_seamless_m4t(FileOverride& file) { set_language(file, "__eng__", true, "__"); }
void override_nllb(FileOverride& file) {
  set_language(file, "eng_Latn", !file.flag("legacy_behaviour", false));
}

void override_t5(FileOverride& file) {
  set_scheme(file, "always");
  set_post_processor(file, "eos_token", "eos_token",
                     [](auto eos, auto) { return end_template(eos); });
}

void override_pegasus(FileOverride& file) {
  set_scheme(file, "always");
  set_post_processor(file, "eos_token", "eos_token", [](auto eos, auto) {
    return template_processing({{"$A", 0}, {eos, 0}}, {{"$A", 0}, {"$B", 0}, {eos, 0}});
  });
}

void override_albert(FileOverride& file) {
  set_accents_and_case(file, false, true);
  override_metaspace(file);
  if (!has_post_processor(file)) set_bert_template(file);
}

void override_rembert(FileOverride& file) {
  set_accents_and_case(file, true, false);
  override_metaspace(file);
  set_bert_template(file);
}

void override_deberta_v2(FileOverride& file) {
  set_lowercase(file, file.flag("do_lower_case", false), 0);
  if (!file.flag("split_by_punct", false)) {
    file.pre_tokenizer.remove("Punctuation");
  } else if (!file.pre_tokenizer.has("Punctuation")) {
    file.pre_tokenizer.insert(0, R"({"type":"Punctuation","behavior":"Isolated"})");
  }
  set_scheme(file, file.flag("add_prefix_space", true) ? "always" : "first");
  set_bert_template(file);
}

void override_xlnet(FileOverride& file) {
  const size_t quotes = file.normalizer.after_leading("Replace");
  set_lowercase(file, file.flag("do_lower_case", false),
                file.normalizer.after("StripAccents", quotes));
  set_scheme(file, "always");
  set_post_processor(file, "cls_token", "sep_token", xlnet_template);
}

void override_siglip(FileOverride& file) {
  set_lowercase(file, file.flag("do_lower_case", true), 0);
}

// Its texts are in lower case, which files written for Gemma's class do not say.
void override_siglip2(FileOverride& file) { set_lowercase(file, true, 0); }

void override_llama(FileOverride& file) {
  const bool prefix = file.flag("add_prefix_space", true);
  set_llama_scheme(file, !prefix ? "never" : file.flag("legacy", false) ? "always" : "first");
}

void override_code_llama(FileOverride& file) {
  set_llama_scheme(file, file.flag("add_prefix_space", true) ? "first" : "never");
}

void override_roformer(FileOverride&) {
  throw Error(
      ErrorCode::kUnsupported,
      "tokenizer_config.json: RoFormerTokenizer finds Chinese words with jieba, which is not "
      "here; \"tokenizer_class\": \"PreTrainedTokenizerFast\" reads tokenizer.json as it is",
      "tokenizer_class");
}

}  // namespace vecton::tokenizer
