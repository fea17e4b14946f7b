#include "cli/help.h"

#include <CLI/App.hpp>
#include <algorithm>
#include <sstream>

namespace vecton::cli {

namespace {

constexpr size_t kColumn = 30;  // where descriptions begin

bool is_argument(const CLI::Option& option) { return option.get_positional(); }
bool takes_many(const CLI::Option& option) { return option.get_items_expected_max() > 1; }

// Appends `words` wrapped to `width`, indented to kColumn; the first line goes on after `label`.
void append_entry(std::string& out, const std::string& label, const std::string& words, int width) {
  const std::string indent(kColumn, ' ');
  const size_t limit = static_cast<size_t>(std::max(width, static_cast<int>(kColumn) + 30));
  std::string line = label;
  if (line.size() + 2 > kColumn) {
    out += line + "\n";
    line = indent;
  } else {
    line.resize(kColumn, ' ');
  }
  std::istringstream stream(words);
  bool first = true;
  for (std::string word; stream >> word; first = false) {
    if (!first && line.size() + 1 + word.size() > limit) {
      out += line + "\n";
      line = indent;
      first = true;
    }
    line += (first ? "" : " ") + word;
  }
  out += line + "\n";
}

// "-o, --output FILE", "--[no-]truncate": without the names that only other programs' users know.
std::string option_label(const CLI::Option& option) {
  const auto& short_names = option.get_snames();
  const auto& long_names = option.get_lnames();
  std::string name = long_names.empty() ? "" : long_names.front();
  const auto negative = std::ranges::find(long_names, "no-" + name);
  if (negative != long_names.end()) name = "[no-]" + name;
  std::string label = short_names.empty() ? "      " : "  -" + short_names.front() + ", ";
  label += "--" + name;
  const std::string type =
      option.get_type_name();  // "N:POSITIVE": the check's name is not for people
  if (option.get_items_expected_max() > 0) label += " " + type.substr(0, type.find(':'));
  return label;
}

std::string usage(const CLI::App& app) {
  std::string line = "Usage: " + app.get_name() + " [OPTIONS]";
  for (const CLI::Option* option : app.get_options()) {
    if (!is_argument(*option)) continue;
    const std::string name = option->get_name(true) + (takes_many(*option) ? "..." : "");
    line += option->get_required() ? " " + name : " [" + name + "]";
  }
  return line + "\n";
}

}  // namespace

std::string command_help(const CLI::App& app, int width) {
  std::string out = app.get_description() + "\n\n" + usage(app) + "\n";
  for (const CLI::Option* option : app.get_options()) {
    if (is_argument(*option)) {
      append_entry(out, "  " + option->get_name(true), option->get_description(), width);
    }
  }
  for (const std::string& group : app.get_groups()) {
    std::string entries;
    for (const CLI::Option* option : app.get_options()) {
      if (option->get_group() != group || group.empty() || is_argument(*option)) continue;
      append_entry(entries, option_label(*option), option->get_description(), width);
    }
    if (!entries.empty()) out += "\n" + group + ":\n" + entries;
  }
  return out + "\n" + app.get_footer() + "\n";
}

}  // namespace vecton::cli
