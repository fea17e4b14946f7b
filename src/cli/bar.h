// Bars of text, for shares of a whole.
#pragma once

#include <string>

namespace vecton::cli {

// `cells` columns, of which `share` of [0, 1] is filled.
std::string bar(double share, int cells);

}  // namespace vecton::cli
