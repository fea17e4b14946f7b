#include "chat/strftime.h"

#include <cstdio>
#include <ctime>

namespace vecton::chat {

namespace {

using std::chrono::system_clock;

// One directive that the C library knows.
std::string directive(char letter, const std::tm& time) {
  const char pattern[] = {'%', letter, '\0'};
  char buffer[128];
  return std::string(buffer, std::strftime(buffer, sizeof(buffer), pattern, &time));
}

std::string microseconds(system_clock::time_point time) {
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch());
  char buffer[16];
  std::snprintf(buffer, sizeof(buffer), "%06d",
                static_cast<int>((since.count() % 1'000'000 + 1'000'000) % 1'000'000));
  return buffer;
}

}  // namespace

std::string format_time(Heap& heap, const std::string& format, Clock time) {
  const system_clock::time_point now = time.value_or(system_clock::now());
  const std::time_t seconds =
      system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(now));
  std::tm local{};
  localtime_r(&seconds, &local);
  std::string out;
  for (size_t i = 0; i < format.size(); ++i) {
    heap.step();
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    char letter = format[++i];
    const bool unpadded = letter == '-' && i + 1 < format.size();  // %-d: no zero in front
    if (unpadded) letter = format[++i];
    if (letter == 'f') {
      out += microseconds(now);
    } else if (letter == 'z' || letter == 'Z') {
      continue;  // a time without a zone, as Python's now() is
    } else if (std::string_view("aAbBcCdDeFgGhHIjklmMnprRsStTuUVwWxXyY%P").find(letter) !=
               std::string_view::npos) {
      const std::string text = directive(letter, local);
      const size_t digit = text.find_first_not_of("0 ");
      out += unpadded && text.size() > 1 ? text.substr(std::min(digit, text.size() - 1)) : text;
    } else {
      out += '%';
      if (unpadded) out += '-';
      out += letter;
    }
  }
  return out;
}

}  // namespace vecton::chat
