// The tokenizer.json that the metadata of a GGUF file stands for. Used while a tokenizer is loaded.
#pragma once

#include "base/json.h"
#include "gguf/file.h"
#include "tokenizer/settings.h"

namespace vecton::tokenizer {

// Fills in what tokenizer_config.json would say. Errors name the file and the key; a kind of
// tokenizer, or of splitting texts, that is not known is refused by name (kUnsupported).
json::value gguf_tokenizer(const gguf::File& file, TokenizerSettings& settings,
                           json::storage_ptr memory);

}  // namespace vecton::tokenizer
