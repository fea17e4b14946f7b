#include "cli/usage.h"

#include <CLI/App.hpp>
#include <algorithm>

namespace vecton::cli {

namespace {

// Letters to insert, delete or replace to make one word of another.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

// CLI11 ends its messages of missing values with the type: "--port: 1 required INT missing".
std::string option_of(const std::string& message) { return message.substr(0, message.find(':')); }

// "Could not convert: --q-bits = 5x" of CLI11, of options that are numbers.
std::string conversion_message(const std::string& message) {
  const size_t name = message.find("--"), equals = message.find(" = ");
  if (name == std::string::npos || equals == std::string::npos || equals < name)
    return option_of(message) + ": expected a number";
  return message.substr(name, equals - name) + ": expected a number, found " +
         message.substr(equals + 3);
}

}  // namespace

std::string unknown_name(const std::string& kind, const std::string& name,
                         const std::vector<std::string>& known) {
  std::string message = "there is no " + kind + " '" + name + "'";
  const auto distance = [&](const std::string& word) { return edit_distance(name, word); };
  const auto nearest = std::ranges::min_element(known, {}, distance);
  const size_t letters = name.find_first_not_of('-') == std::string::npos
                             ? 0
                             : name.size() - name.find_first_not_of('-');
  if (nearest != known.end() && distance(*nearest) <= std::min<size_t>(3, letters / 2))
    message += "; did you mean '" + *nearest + "'?";
  return message;
}

std::string usage_message(const CLI::App& app, const CLI::ParseError& error,
                          const std::map<std::string, std::string>& origins) {
  const std::string message = error.what();
  if (const auto from = origins.find(option_of(message)); from != origins.end()) {
    return from->second.starts_with('-') ? from->second + message.substr(from->first.size())
                                         : message + " (from the variable " + from->second + ")";
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const std::vector<std::string> left = app.remaining();
    const std::string first = left.empty() ? "" : left.front();
    return first.starts_with('-') ? unknown_name("option", first, {})
                                  : "'" + first + "' is one argument too many";
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr)
    return option_of(message) + ": expected a value";
  if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr)
    return conversion_message(message);
  return message;
}

}  // namespace vecton::cli
