// vecton completion: scripts for shells, made from the commands' own options.
#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/output.h"

namespace vecton::cli {

namespace {

struct OptionInfo {
  std::string name, description;  // name with its dashes
  bool takes_value = false;
};

std::vector<OptionInfo> options_of(const Command& command) {
  CLI::App app;
  command.define(app);
  std::vector<OptionInfo> found;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    for (const std::string& name : option->get_lnames()) {
      found.push_back(
          {"--" + name, option->get_description(), option->get_items_expected_max() > 0});
    }
  }
  return found;
}

std::string words(const std::vector<OptionInfo>& options) {
  std::string out;
  for (const OptionInfo& option : options) out += (out.empty() ? "" : " ") + option.name;
  return out;
}

// For a single-quoted string of a shell.
std::string quoted(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '\'') {
      out += "’";
    } else {
      out += c == '\n' ? ' ' : c;
    }
  }
  return out;
}

std::string bash_script() {
  std::string names, cases;
  for (const Command& command : commands()) {
    names += std::string(command.name) + " ";
    cases += "    " + std::string(command.name) + ") options=\"" + words(options_of(command)) +
             "\" ;;\n";
  }
  return "_vecton() {\n"
         "  local current=\"${COMP_WORDS[COMP_CWORD]}\" options=\"\"\n"
         "  COMPREPLY=()\n"
         "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
         "    COMPREPLY=($(compgen -W \"" +
         names +
         "--help --version --list-families\" -- \"$current\"))\n"
         "    return\n"
         "  fi\n"
         "  case \"${COMP_WORDS[1]}\" in\n" +
         cases +
         "  esac\n"
         "  case \"$current\" in\n"
         "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$current\")) ;;\n"
         "    *) if [ \"${COMP_WORDS[1]}\" = completion ]; then\n"
         "         COMPREPLY=($(compgen -W \"bash zsh fish\" -- \"$current\"))\n"
         "       fi ;;\n"
         "  esac\n"
         "}\n"
         "complete -o default -F _vecton vecton\n";
}

std::string zsh_script() {
  // In a specification of _arguments a colon, brackets and a backslash have meanings of their own.
  const auto plain = [](const std::string& text) {
    std::string out;
    for (char c : quoted(text)) {
      if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
      out += c;
    }
    return out;
  };
  std::string names, cases;
  for (const Command& command : commands()) {
    names += "    '" + std::string(command.name) + ":" + plain(command.summary) + "'\n";
    cases += "    " + std::string(command.name) + ")\n      _arguments";
    for (const OptionInfo& option : options_of(command)) {
      cases += " \\\n        '" + option.name + "[" + plain(option.description) + "]" +
               (option.takes_value ? ":value:_files'" : "'");
    }
    const bool completes_shell = std::string(command.name) == "completion";
    cases += completes_shell ? " \\\n        '*:shell:(bash zsh fish)' ;;\n"
                             : " \\\n        '*:argument:_files' ;;\n";
  }
  return "#compdef vecton\n"
         "_vecton() {\n"
         "  local -a commands\n"
         "  commands=(\n" +
         names +
         "  )\n"
         "  if (( CURRENT == 2 )); then\n"
         "    _describe command commands\n"
         "    return\n"
         "  fi\n"
         "  local command=\"$words[2]\"\n"
         "  shift words\n"
         "  (( CURRENT-- ))\n"
         "  case \"$command\" in\n" +
         cases +
         "  esac\n"
         "}\n"
         "if [ \"$funcstack[1]\" = _vecton ]; then _vecton \"$@\"; else compdef _vecton vecton; "
         "fi\n";
}

std::string fish_script() {
  std::string out = "complete -c vecton -e\n";
  for (const Command& command : commands()) {
    const std::string name = command.name;
    out += "complete -c vecton -n __fish_use_subcommand -f -a " + name + " -d '" +
           quoted(command.summary) + "'\n";
    for (const OptionInfo& option : options_of(command)) {
      out += "complete -c vecton -n '__fish_seen_subcommand_from " + name + "' -l " +
             option.name.substr(2) + (option.takes_value ? " -r" : "") + " -d '" +
             quoted(option.description) + "'\n";
    }
  }
  return out +
         "complete -c vecton -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n";
}

}  // namespace

std::function<void()> define_completion(CLI::App& app) {
  auto shell = std::make_shared<std::string>();
  app.add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->type_name("")
      ->check(one_of({"bash", "zsh", "fish"}));
  app.footer(
      "Examples:\n"
      "  source <(vecton completion bash)                      # this shell\n"
      "  vecton completion bash > ~/.local/share/bash-completion/completions/vecton\n"
      "  vecton completion zsh > \"${fpath[1]}/_vecton\"\n"
      "  vecton completion fish > ~/.config/fish/completions/vecton.fish");
  return [shell] {
    print(*shell == "bash" ? bash_script() : *shell == "zsh" ? zsh_script() : fish_script());
  };
}

}  // namespace vecton::cli
