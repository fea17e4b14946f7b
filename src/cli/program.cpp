#include <CLI/CLI.hpp>
#include <algorithm>
#include <clocale>
#include <cstdio>
#include <exception>
#include <new>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/help.h"
#include "cli/terminal.h"
#include "vecton/vecton.h"

namespace vecton::cli {

namespace {

constexpr const char* kExamples =
    "Examples:\n"
    "  vecton embed sentence-transformers/all-MiniLM-L6-v2 \"a sentence\" \"another one\"\n"
    "  vecton embed ./my-model --input texts.jsonl --output vectors.npy\n"
    "  vecton similarity ./my-model --query \"who sleeps?\" \"a cat naps\" \"stocks fell\"\n"
    "  vecton rerank ./my-reranker \"who sleeps?\" \"a cat naps\" \"stocks fell\"\n"
    "  vecton serve ./my-model --port 8000\n"
    "\n"
    "A MODEL is a folder, or a name on the model hub such as "
    "sentence-transformers/all-MiniLM-L6-v2.\n"
    "'vecton COMMAND --help' tells more about a command.\n";

std::string help_text() {
  std::string text =
      "vecton: embeddings, ranks and labels from Hugging Face checkpoints, natively\n\n"
      "Usage: vecton COMMAND [OPTIONS]\n\nCommands:\n";
  for (const Command& command : commands()) {
    const std::string name = command.name;
    text += "  " + name + std::string(12 - std::min<size_t>(12, name.size()), ' ') +
            command.summary + "\n";
  }
  text +=
      "\nOptions:\n"
      "  -h, --help        Print this help and exit\n"
      "  -V, --version     Print the version and exit\n"
      "  --list-families   List the model families that are supported and exit\n\n";
  return text + kExamples;
}

int report(const std::string& message, int status) {
  std::fprintf(stderr, "vecton: error: %s\n", message.c_str());
  return status;
}

int report(const std::string& message, ExitStatus status) {
  return report(message, static_cast<int>(status));
}

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

int unknown_command(const std::string& name) {
  const auto distance = [&](const Command& command) { return edit_distance(name, command.name); };
  const Command& nearest = *std::ranges::min_element(commands(), {}, distance);
  const std::string what = name.starts_with('-') ? "option" : "command";
  std::string message = "there is no " + what + " '" + name + "'";
  if (what == "command" && distance(nearest) <= 3) {
    message += "; did you mean '" + std::string(nearest.name) + "'?";
  }
  return report(message + " ('vecton --help' lists them)", ExitStatus::kUsage);
}

int run_action(const std::function<void()>& action) {
  try {
    action();
    return 0;
  } catch (const Interrupted& interrupted) {
    std::fprintf(stderr, "vecton: %s\n", interrupted.what());
    return 128 + interrupted.signal();
  } catch (const Failure& failure) {
    return report(failure.what(), failure.status());
  } catch (const Error& error) {
    return report(error.what(), exit_status(error.code()));
  } catch (const std::bad_alloc&) {
    return report("not enough memory", ExitStatus::kInternal);
  } catch (const std::exception& error) {
    return report(error.what(), ExitStatus::kInternal);
  }
}

int run_command(const Command& command, const std::vector<std::string>& arguments) {
  CLI::App app(std::string(command.summary) + ".", "vecton " + std::string(command.name));
  std::function<void()> action;
  try {
    action = command.define(app);
    parse_arguments(app, arguments);
  } catch (const CLI::CallForHelp&) {
    std::fputs(command_help(app, std::min(terminal_width(), 110)).c_str(), stdout);
    return 0;
  } catch (const CLI::ParseError& error) {
    return report(
        std::string(error.what()) + " ('vecton " + command.name + " --help' tells how it is used)",
        ExitStatus::kUsage);
  } catch (const Failure& failure) {
    return report(failure.what(), failure.status());
  } catch (const Error& error) {  // an environment variable that makes no sense
    return report(error.what(), exit_status(error.code()));
  } catch (const std::exception& error) {
    return report(error.what(), ExitStatus::kInternal);
  }
  return run_action(action);
}

}  // namespace

int run_program(const std::vector<std::string>& arguments) {
  std::setlocale(LC_CTYPE, "C.UTF-8");  // widths of characters on a terminal
  if (arguments.empty()) {
    std::fputs(help_text().c_str(), stderr);
    return static_cast<int>(ExitStatus::kUsage);
  }
  std::string name = arguments.front();
  std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  if (name == "help" && !rest.empty()) {
    name = rest.front();
    rest = {"--help"};
  }
  if (name == "-h" || name == "--help" || name == "help") {
    std::fputs(help_text().c_str(), stdout);
    return 0;
  }
  if (name == "-V" || name == "--version" || name == "version") {
    std::printf("vecton %s\n", version());
    return 0;
  }
  if (name == "--list-families") name = "models";
  const auto found = std::ranges::find(commands(), name, &Command::name);
  return found == commands().end() ? unknown_command(name) : run_command(*found, rest);
}

}  // namespace vecton::cli
