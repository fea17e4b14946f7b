// What the terminal can show.
#pragma once

#include <string>

namespace vecton::cli {

enum class Colour { kNone, k256, k24Bit };

bool stdout_is_terminal();
bool stderr_is_terminal();

// Columns of the terminal; 80 where there is none.
int terminal_width();

// What standard output can show: `choice` is "auto" (a terminal, NO_COLOR unset), "always" or
// "never".
Colour colour_of_stdout(const std::string& choice);

struct Rgb {
  unsigned char r, g, b;
};

// The escape sequence that sets a colour, in the nearest form that `colour` allows.
std::string foreground(Colour colour, Rgb rgb);
std::string background(Colour colour, Rgb rgb);
// Bold or faint text, and back to normal; empty without colours.
std::string bold(Colour colour);
std::string faint(Colour colour);
std::string plain(Colour colour);

}  // namespace vecton::cli
