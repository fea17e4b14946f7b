// How texts are cut before byte-level pairs are joined: what tokenizer.ggml.pre names.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace vecton::tokenizer {

struct GgufPreTokenizer {
  std::string_view names;                            // of tokenizer.ggml.pre, separated by spaces
  std::array<std::string_view, 4> expressions = {};  // split in turn; none = GPT-2's own does
  bool digits = false;                               // each digit alone, before anything else
  bool nfc = false;
  bool ignore_merges = false;  // a word that is a token is that one
  bool adds_bos = false;       // where no key says it
};

// Null where it is not known.
const GgufPreTokenizer* find_gguf_pre_tokenizer(std::string_view name);
std::string gguf_pre_tokenizer_names();  // for messages

// Of a tokenizer.json.
std::vector<std::string> steps_of(const GgufPreTokenizer& pre);

}  // namespace vecton::tokenizer
