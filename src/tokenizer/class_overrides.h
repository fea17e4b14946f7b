// What the class of a tokenizer changes in its tokenizer.json: transformers lets settings of
// tokenizer_config.json such as do_lower_case and add_prefix_space, and the class's defaults for
// them, stand above the file. Used while a tokenizer is loaded.
#pragma once

#include <string>
#include <string_view>

#include "tokenizer/document_steps.h"
#include "tokenizer/json_fields.h"
#include "tokenizer/special_tokens.h"

namespace vecton::tokenizer {

// A tokenizer.json and the settings beside it.
struct FileOverride {
  json::object& document;
  const Field& config;            // tokenizer_config.json, or null
  const SpecialTokens& settings;  // the tokens that the settings name
  const SpecialTokens& special;   // these, and where they are silent the class's
  DocumentSteps normalizer{document, "normalizer"}, pre_tokenizer{document, "pre_tokenizer"},
      decoder{document, "decoder"};

  bool flag(std::string_view key, bool fallback) const {
    return config.is_null() ? fallback : config.boolean_or(key, fallback);
  }
  std::string text(std::string_view key, std::string_view fallback) const {
    return config.is_null() ? std::string(fallback) : config.string_or(key, fallback);
  }
  // The content of a named token that the file has or the settings add to it, or "".
  std::string_view token(std::string_view name) const;
};

// By families of classes; the flags that each reads. Most put tokens of their own around texts,
// whatever the file says: those that the settings name, or the class's.
void override_bert(FileOverride& file);        // do_lower_case strip_accents tokenize_chinese_chars
void override_dpr_reader(FileOverride& file);  // strip_accents tokenize_chinese_chars
void override_splinter(FileOverride& file);    // as BERT, padding_side
void override_mpnet(FileOverride& file);       // as BERT
void override_funnel(FileOverride& file);      // the same, clean_text
void override_byte_level(FileOverride& file);  // add_prefix_space
void override_clip(FileOverride& file);
void override_deberta(FileOverride& file);       // add_prefix_space
void override_gpt_neox(FileOverride& file);      // add_prefix_space
void override_roberta(FileOverride& file);       // add_prefix_space trim_offsets
void override_luke(FileOverride& file);          // add_prefix_space
void override_layoutlmv3(FileOverride& file);    // add_prefix_space
void override_markuplm(FileOverride& file);      // add_prefix_space
void override_blenderbot(FileOverride& file);    // add_prefix_space
void override_whisper(FileOverride& file);       // add_prefix_space
void override_metaspace(FileOverride& file);     // add_prefix_space
void override_big_bird(FileOverride& file);      // add_prefix_space
void override_xlm_roberta(FileOverride& file);   // add_prefix_space
void override_layoutxlm(FileOverride& file);     // add_prefix_space
void override_xglm(FileOverride& file);          // add_prefix_space
void override_mbart(FileOverride& file);         // src_lang
void override_mbart50(FileOverride& file);       // src_lang
void override_seamless_m4t(FileOverride& file);  // src_lang
void override_nllb(FileOverride& file);          // src_lang legacy_behaviour
void override_t5(FileOverride& file);
void override_pegasus(FileOverride& file);
void override_siglip2(FileOverride& file);
void override_albert(FileOverride& file);      // do_lower_case keep_accents add_prefix_space
void override_rembert(FileOverride& file);     // the same
void override_deberta_v2(FileOverride& file);  // do_lower_case split_by_punct add_prefix_space
void override_xlnet(FileOverride& file);       // do_lower_case
void override_siglip(FileOverride& file);      // do_lower_case
void override_llama(FileOverride& file);       // add_prefix_space legacy
void override_code_llama(FileOverride& file);  // add_prefix_space
// Refused: its words are found by a program.
void override_roformer(FileOverride& file);

}  // namespace vecton::tokenizer
