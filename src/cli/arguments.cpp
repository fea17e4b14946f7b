#include "cli/arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>

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

CLI::Validator at_least(int least) {
  return CLI::Validator(
      [least](const std::string& text) -> std::string {
        double value = 0;
        if (CLI::detail::lexical_cast(text, value) && value >= least) return {};
        return "expected a number of at least " + std::to_string(least) + ", found " + text;
      },
      "");
}

void parse_arguments(CLI::App& app, std::vector<std::string> arguments) {
  for (std::string& argument : arguments) {
    if (argument.starts_with('[')) argument.insert(argument.begin(), kGuard);
  }
  for (CLI::Option* option : app.get_options()) option->transform(without_guard, "");
  std::ranges::reverse(arguments);  // CLI11 takes them from the back
  app.parse(std::move(arguments));
}

}  // namespace vecton::cli
