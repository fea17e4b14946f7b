#include "tokenizer/class_overrides.h"

#include <string>

#include "tokenizer/class_templates.h"

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

void set_bert_normalizer(FileOverride& file) {
  set_missing_decoder(file, R"({"type":"WordPiece","prefix":"##","cleanup":true})");
  const bool lowercase = file.flag("do_lower_case", true);
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
  if (file.pre_tokenizer.has("ByteLevel")) set_missing_decoder(file, R"({"type":"ByteLevel"})");
  for (json::object* step : file.pre_tokenizer.all()) {
    if (is_step(*step, "ByteLevel"))
      (*step)["add_prefix_space"] = file.flag("add_prefix_space", false);
  }
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
  set_post_processor(file, "cls_token", "sep_token", [&](auto cls, auto sep) {
    return roberta_processing(cls, sep, file.flag("trim_offsets", true),
                              file.flag("add_prefix_space", false));
  });
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

void override_t5(FileOverride& file) {
  set_scheme(file, "always");
  set_post_processor(file, "eos_token", "eos_token",
                     [](auto eos, auto) { return end_template(eos); });
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

void override_llama(FileOverride& file) {
  const bool prefix = file.flag("add_prefix_space", true);
  set_llama_scheme(file, !prefix ? "never" : file.flag("legacy", false) ? "always" : "first");
}

void override_code_llama(FileOverride& file) {
  set_llama_scheme(file, file.flag("add_prefix_space", true) ? "first" : "never");
}

}  // namespace vecton::tokenizer
