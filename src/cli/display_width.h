// How wide texts are on a terminal.
#pragma once

#include <string>
#include <string_view>

namespace vecton::cli {

// Columns that `text` takes on a terminal.
int display_width(std::string_view text);

// `text` on one line, at most `width` columns wide: control characters become spaces, what is cut
// off becomes "…".
std::string fit(std::string_view text, int width);

}  // namespace vecton::cli
