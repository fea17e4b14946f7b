// The classes of tokenizers that a folder may name: the pipeline that each stands for where there
// is no tokenizer.json, and what it changes in one. Used while a tokenizer is loaded.
#pragma once

#include <filesystem>
#include <string_view>

#include "tokenizer/document_builder.h"
#include "tokenizer/sentencepiece_model.h"
#include "tokenizer/settings.h"

namespace vecton::tokenizer {

// What a class works on.
struct ClassSource {
  std::filesystem::path folder;
  TokenizerSettings& settings;
  DocumentBuilder& document;
  const SentencePieceModel* sentencepiece = nullptr;  // where the class has one

  // Settings of tokenizer_config.json.
  bool flag(std::string_view key, bool fallback) const;
  // The content of a named special token, or "".
  std::string token(std::string_view name) const;

  // Adds the special tokens to the document: after the model is set, before a template.
  void add_special_tokens();
  // The template of classes that put the tokens for begin and end around texts where
  // add_bos_token and add_eos_token ask for it.
  void set_bos_eos_template(bool bos_by_default = false);
  // cls A sep, cls A sep B sep.
  void set_bert_template(int cls_type = 0);
};

struct FileOverride;

struct TokenizerClass {
  enum class Files { kVocabTxt, kVocabJson, kSentencePiece };
  std::string_view names;        // separated by spaces; without "Fast"
  std::string_view model_types;  // of config.json that use it, where no class is named
  Files files;
  std::string_view file;  // a SentencePiece model's name
  // "unk_token=[UNK] mask_token=[MASK]/l": names and contents of special tokens where the settings
  // have none. Behind a slash: l = takes the spaces before it, r = those behind it.
  std::string_view special_tokens;
  void (*build)(ClassSource& source);  // nullptr = not without a tokenizer.json
  bool pads_left = false;              // where the settings do not say
  // What it changes in a tokenizer.json; nullptr = nothing.
  void (*override_file)(FileOverride& file) = nullptr;
};

// Whether a list of words with a space between them has this one.
bool has_word(std::string_view list, std::string_view word);

// nullptr where there is none.
const TokenizerClass* find_tokenizer_class(std::string_view name);
const TokenizerClass* find_tokenizer_class_of_model(std::string_view model_type);
// The names of those that need no tokenizer.json, for messages.
std::string tokenizer_class_names();
// Fills in the special tokens that a class has where the settings have none.
void set_default_tokens(const TokenizerClass& row, SpecialTokens& tokens);

// The parts that live in files of their own.
void build_bert(ClassSource& source);
void build_mpnet(ClassSource& source);
void build_funnel(ClassSource& source);

void build_gpt2(ClassSource& source);
void build_roberta(ClassSource& source);
void build_clip(ClassSource& source);
void build_qwen2(ClassSource& source);
void build_qwen3_5(ClassSource& source);
void build_deberta(ClassSource& source);
void build_gpt_neox(ClassSource& source);
void build_cohere(ClassSource& source);
void build_openai_gpt(ClassSource& source);
void build_herbert(ClassSource& source);

void build_albert(ClassSource& source);
void build_barthez(ClassSource& source);
void build_big_bird(ClassSource& source);
void build_camembert(ClassSource& source);
void build_code_llama(ClassSource& source);
void build_deberta_v2(ClassSource& source);
void build_gemma(ClassSource& source);
void build_llama(ClassSource& source);
void build_rembert(ClassSource& source);
void build_siglip(ClassSource& source);
void build_t5(ClassSource& source);
void build_xlm_roberta(ClassSource& source);
void build_xlnet(ClassSource& source);
// A model that no class is named for: what the file itself says.
void build_sentencepiece(ClassSource& source);

// Vocabularies of bytes with ranks.
void build_tekken(ClassSource& source, const std::filesystem::path& file);
void build_tiktoken(ClassSource& source, const std::filesystem::path& file);

}  // namespace vecton::tokenizer
