// What classes of tokenizers put around texts, as the "post_processor" of a tokenizer.json that
// names tokens without their ids, and what CLIP's makes of tokens. Used while a tokenizer is
// loaded.
#pragma once

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace vecton::tokenizer {

// A token, or "$A" or "$B", and its type.
using TemplatePart = std::pair<std::string_view, int>;
json::value template_processing(const std::vector<TemplatePart>& single,
                                const std::vector<TemplatePart>& pair);

// cls A sep, cls A sep B sep.
json::value bert_template(std::string_view cls, std::string_view sep, int cls_type = 0);
// begin A end, begin A end end B end, all of the first type.
json::value doubled_template(std::string_view begin, std::string_view end);
// A end, A end B end, all of the first type.
json::value end_template(std::string_view end);
// A sep cls, A sep B sep cls.
json::value xlnet_template(std::string_view cls, std::string_view sep);
// begin A end, begin A end begin B end; "" = no such token.
json::value begin_end_template(std::string_view begin, std::string_view end);
// begin A end, begin A end end B end, with the offsets of byte-level tokens.
json::value roberta_processing(std::string_view begin, std::string_view end, bool trim_offsets,
                               bool add_prefix_space);

// How CLIP's class makes a text of tokens: the ends of words are spaces, but not at the text's
// ends.
inline constexpr std::array<std::string_view, 3> kClipDecoder = {
    R"({"type":"ByteLevel"})", R"({"type":"Replace","pattern":{"String":"</w>"},"content":" "})",
    R"({"type":"Replace","pattern":{"Regex":"\\A\\s+|\\s+\\z"},"content":""})"};

}  // namespace vecton::tokenizer
