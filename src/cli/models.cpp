// vecton models: the model families that this program runs.
#include <CLI/App.hpp>
#include <algorithm>

#include "base/json.h"
#include "cli/command.h"
#include "cli/output.h"
#include "vecton/vecton.h"

namespace vecton::cli {

namespace {

std::string as_json() {
  json::array out;
  for (const FamilyInfo& family : families()) {
    out.push_back(json::object{{"family", family.name},
                               {"architectures", json::value_from(family.architectures)}});
  }
  return json::serialize(out) + "\n";
}

std::string as_table() {
  const auto all = families();
  size_t width = 0;
  for (const FamilyInfo& family : all) width = std::max(width, family.name.size());
  std::string out;
  for (const FamilyInfo& family : all) {
    out += family.name + std::string(width - family.name.size(), ' ');
    for (const std::string& architecture : family.architectures) {
      out += (&architecture == &family.architectures.front() ? "  " : ", ") + architecture;
    }
    out += '\n';
  }
  return out;
}

}  // namespace

std::function<void()> define_models(CLI::App& app) {
  auto wants_json = std::make_shared<bool>(false), families = std::make_shared<bool>();
  app.add_flag("--list-families", *families, "The same list, as 'vecton --list-families' has it");
  app.add_flag("--json", *wants_json, "Print JSON");
  app.footer(
      "Examples:\n"
      "  vecton models\n"
      "  vecton models --json\n"
      "\nA line has a family and the architectures of config.json that it runs.");
  return [wants_json, families] { print(*wants_json ? as_json() : as_table()); };
}

}  // namespace vecton::cli
