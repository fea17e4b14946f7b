// Folders without tokenizer.json: finds the vocabulary in the files of older formats and gives the
// tokenizer.json that they stand for. Used while a tokenizer is loaded.
#pragma once

#include <filesystem>

#include "base/json_fwd.h"
#include "tokenizer/settings.h"

namespace vecton::tokenizer {

// Gives the settings the special tokens of the tokenizer's class too. Errors: kNotFound where no
// file is there that is known, kUnsupported for classes that are not.
json::value vocabulary_files_document(const std::filesystem::path& folder,
                                      TokenizerSettings& settings, json::storage_ptr memory);

}  // namespace vecton::tokenizer
