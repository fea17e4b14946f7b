#include "tokenizer/class_overrides.h"

#include <string>

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

}  // namespace

void override_bert(FileOverride& file) {
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

void override_funnel(FileOverride& file) {
  override_bert(file);
  for (json::object* step : file.normalizer.all()) {
    if (is_step(*step, "BertNormalizer")) (*step)["clean_text"] = file.flag("clean_text", true);
  }
}

void override_byte_level(FileOverride& file) {
  if (file.pre_tokenizer.has("ByteLevel")) set_missing_decoder(file, R"({"type":"ByteLevel"})");
  for (json::object* step : file.pre_tokenizer.all()) {
    if (is_step(*step, "ByteLevel"))
      (*step)["add_prefix_space"] = file.flag("add_prefix_space", false);
  }
}

void override_roberta(FileOverride& file) {
  override_byte_level(file);
  json::value* const post_processor = file.document.if_contains("post_processor");
  json::object* const step = post_processor ? post_processor->if_object() : nullptr;
  if (!step || !is_step(*step, "RobertaProcessing")) return;
  (*step)["add_prefix_space"] = file.flag("add_prefix_space", false);
  (*step)["trim_offsets"] = file.flag("trim_offsets", true);
}

void override_metaspace(FileOverride& file) {
  set_scheme(file, file.flag("add_prefix_space", true) ? "always" : "never");
}

void override_always_prefix(FileOverride& file) { set_scheme(file, "always"); }

void override_albert(FileOverride& file) {
  set_accents_and_case(file, false, true);
  override_metaspace(file);
}

void override_rembert(FileOverride& file) {
  set_accents_and_case(file, true, false);
  override_metaspace(file);
}

void override_deberta_v2(FileOverride& file) {
  set_lowercase(file, file.flag("do_lower_case", false), 0);
  if (!file.flag("split_by_punct", false)) {
    file.pre_tokenizer.remove("Punctuation");
  } else if (!file.pre_tokenizer.has("Punctuation")) {
    file.pre_tokenizer.insert(0, R"({"type":"Punctuation","behavior":"Isolated"})");
  }
  set_scheme(file, file.flag("add_prefix_space", true) ? "always" : "first");
}

void override_xlnet(FileOverride& file) {
  const size_t quotes = file.normalizer.after_leading("Replace");
  set_lowercase(file, file.flag("do_lower_case", false),
                file.normalizer.after("StripAccents", quotes));
  override_always_prefix(file);
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
