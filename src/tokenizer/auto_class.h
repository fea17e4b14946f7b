// Which class of tokenizers a folder's files name, as transformers' AutoTokenizer decides it. Used
// while a tokenizer is loaded.
#pragma once

#include <filesystem>
#include <string>

#include "tokenizer/settings.h"
#include "tokenizer/tokenizer_classes.h"

namespace vecton::tokenizer {

// What tokenizer_config.json and config.json say; empty = not said.
struct NamedClass {
  std::string tokenizer_class;  // without "Fast"
  std::string model_type;

  static NamedClass read(const std::filesystem::path& folder, const TokenizerSettings& settings);
};

// The class whose settings stand above a tokenizer.json, or nullptr: the file alone counts.
// `byte_level`: the file's tokens are byte-level characters.
const TokenizerClass* class_above_file(const NamedClass& named, bool byte_level);

// Whether that class gives token_type_ids where model_input_names does not say it.
bool class_returns_type_ids(const NamedClass& named);

}  // namespace vecton::tokenizer
