#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace vecton::cli {

namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string colour_code(Colour colour, Rgb rgb, const char* layer) {
  const auto join = [](int a, int b, int c) {
    return std::to_string(a) + ";" + std::to_string(b) + ";" + std::to_string(c);
  };
  if (colour == Colour::k24Bit) {
    return "\x1b[" + std::string(layer) + ";2;" + join(rgb.r, rgb.g, rgb.b) + "m";
  }
  const auto level = [](unsigned char v) { return (v * 5 + 127) / 255; };  // the 6x6x6 cube
  const int cube = 16 + 36 * level(rgb.r) + 6 * level(rgb.g) + level(rgb.b);
  return "\x1b[" + std::string(layer) + ";5;" + std::to_string(cube) + "m";
}

std::string unless_none(Colour colour, const char* code) {
  return colour == Colour::kNone ? "" : code;
}

}  // namespace

bool stdout_is_terminal() { return isatty(STDOUT_FILENO) == 1; }
bool stderr_is_terminal() { return isatty(STDERR_FILENO) == 1; }

int terminal_width() {
  for (int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    winsize size{};
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  }
  const int columns = std::atoi(std::string(environment("COLUMNS")).c_str());
  return columns > 0 ? columns : 80;
}

Colour colour_of_stdout(const std::string& choice) {
  if (choice == "never") return Colour::kNone;
  const std::string_view term = environment("TERM");
  if (choice == "auto" &&
      (!stdout_is_terminal() || !environment("NO_COLOR").empty() || term == "dumb")) {
    return Colour::kNone;
  }
  const std::string_view depth = environment("COLORTERM");
  const bool deep = depth == "truecolor" || depth == "24bit" || term.find("direct") != term.npos;
  return deep || choice == "always" ? Colour::k24Bit : Colour::k256;
}

std::string foreground(Colour colour, Rgb rgb) {
  return colour == Colour::kNone ? "" : colour_code(colour, rgb, "38");
}
std::string background(Colour colour, Rgb rgb) {
  return colour == Colour::kNone ? "" : colour_code(colour, rgb, "48");
}
std::string bold(Colour colour) { return unless_none(colour, "\x1b[1m"); }
std::string faint(Colour colour) { return unless_none(colour, "\x1b[2m"); }
std::string plain(Colour colour) { return unless_none(colour, "\x1b[0m"); }

}  // namespace vecton::cli
