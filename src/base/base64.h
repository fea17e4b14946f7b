// Base64, as tokenizer files, answers and the model hub use it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vecton::base {

// Padding and line ends are skipped; nothing where any other character is found.
std::optional<std::string> decode_base64(std::string_view text);
std::string encode_base64(std::string_view bytes);
void append_base64(std::string& out, std::string_view bytes);

}  // namespace vecton::base
