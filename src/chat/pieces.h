// Cutting, padding and replacing text as the methods of Python's str do it. Used by the methods and
// filters of text. Pure functions; those that make text longer ask the heap first.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "chat/value.h"

namespace vecton::chat {

enum class Side { kLeft, kRight, kBoth };
enum class Align { kLeft, kMiddle, kRight };

std::string_view strip_space(std::string_view text, Side side);
std::string_view strip_characters(std::string_view text, std::string_view set, Side side);

// At most `limit` cuts, from the right where `from_right` holds.
std::vector<std::string_view> split_space(std::string_view text, size_t limit, bool from_right);
std::vector<std::string_view> split_text(std::string_view text, std::string_view separator,
                                         size_t limit, bool from_right);
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends);

// At most `most` times; all of them when it is negative.
std::string replace_text(Heap& heap, std::string_view text, std::string_view from,
                         std::string_view to, Int most);
std::string pad_text(Heap& heap, std::string_view text, Int width, std::string_view fill,
                     Align align);
std::string expand_tabs(Heap& heap, std::string_view text, Int size);

size_t find_last(std::string_view text, std::string_view needle);

bool is_lower_text(std::string_view text);
bool is_upper_text(std::string_view text);
bool is_title_text(std::string_view text);

}  // namespace vecton::chat
