#include "cli/arguments.h"

#include <CLI/App.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

namespace vecton::cli {

namespace {

// Put before an argument that CLI11 would take for a list; taken off again before anybody sees it.
constexpr char kGuard = '\x01';

std::string without_guard(std::string value) {
  if (!value.empty() && value.front() == kGuard) value.erase(0, 1);
  return value;
}

}  // namespace

CLI::Option* add_texts(CLI::App& app, const std::string& name, std::vector<std::string>& texts,
                       const std::string& description) {
  CLI::Option* option = app.add_option(
      name,
      [&texts](const CLI::results_t& values) {
        texts.clear();
        std::ranges::transform(values, std::back_inserter(texts), without_guard);
        return true;
      },
      description);
  return option->type_name("")->expected(0, -1)->allow_extra_args();
}

std::optional<int64_t> human_integer(const std::string& text) {
  constexpr std::string_view kDecimal = "kmgt", kBinary = "KMGT";
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest - text.data() > 15) return std::nullopt;
  const bool whole = text.find_first_not_of("0123456789", text.starts_with('-') ? 1 : 0) >=
                     static_cast<size_t>(rest - text.data());
  if (rest == end) return whole ? std::optional(static_cast<int64_t>(number)) : std::nullopt;
  if (rest + 1 != end || !(number >= 0)) return std::nullopt;
  if (const size_t at = kDecimal.find(*rest); at != std::string_view::npos) {
    number *= std::pow(1000.0, static_cast<double>(at + 1));
  } else if (const size_t power = kBinary.find(*rest); power != std::string_view::npos && whole) {
    number *= std::pow(1024.0, static_cast<double>(power + 1));
  } else {
    return std::nullopt;
  }
  if (number >= 0x1p63) return std::nullopt;  // what no integer holds
  return static_cast<int64_t>(number);
}

CLI::Validator at_least(int64_t least) {
  return within(least, std::numeric_limits<int64_t>::max());
}

CLI::Validator within(int64_t least, int64_t most) {
  return CLI::Validator(
      [least, most](std::string& text) -> std::string {
        const std::optional<int64_t> value = human_integer(text);
        if (value && *value >= least && *value <= most) {
          text = std::to_string(*value);
          return {};
        }
        const bool open = most == std::numeric_limits<int64_t>::max();
        return "expected a number " +
               (open ? "of at least " + std::to_string(least)
                     : "from " + std::to_string(least) + " to " + std::to_string(most)) +
               ", found " + text;
      },
      "");
}

CLI::Validator not_negative() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        double value = -1;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error == std::errc() && end == text.data() + text.size() && value >= 0 &&
            std::isfinite(value))
          return {};
        return "expected a number of at least 0, found " + text;
      },
      "");
}

CLI::Validator one_of(std::vector<std::string> words) {
  return CLI::Validator(
      [words = std::move(words)](std::string& text) -> std::string {
        if (std::ranges::count(words, text) > 0) return {};
        std::string known;
        for (size_t i = 0; i < words.size(); ++i)
          known += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
        return "expected " + known + ", found " + text;
      },
      "");
}

void parse_arguments(CLI::App& app, std::vector<std::string> arguments) {
  for (std::string& argument : arguments) {
    if (argument.starts_with('[')) argument.insert(argument.begin(), kGuard);
  }
  for (CLI::Option* option : app.get_options()) {
    option->transform(without_guard, "");
    if (option->get_items_expected_max() == 1 &&
        option->get_multi_option_policy() == CLI::MultiOptionPolicy::Throw)
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  std::ranges::reverse(arguments);  // CLI11 takes them from the back
  app.parse(std::move(arguments));
}

}  // namespace vecton::cli
