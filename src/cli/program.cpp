#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <clocale>
#include <cstdio>
#include <exception>
#include <new>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/foreign_arguments.h"
#include "cli/foreign_commands.h"
#include "cli/help.h"
#include "cli/terminal.h"
#include "cli/usage.h"
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

int unknown_command(const std::string& name) {
  std::vector<std::string> known;
  for (const Command& command : commands()) known.emplace_back(command.name);
  return report(unknown_name("command", name, known) + " ('vecton --help' lists them)",
                ExitStatus::kUsage);
}

Environment variables() {
  Environment out;
  for (char** each = environ; each && *each; ++each) {
    const std::string text = *each;
    if (const size_t equals = text.find('='); equals != std::string::npos)
      out[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return out;
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

int wrong_usage(const Command& command, const std::string& message) {
  return report(message + " ('vecton " + command.name + " --help' tells how it is used)",
                ExitStatus::kUsage);
}

int run_command(const Command& command, const std::vector<std::string>& arguments,
                unsigned program) {
  CLI::App app(std::string(command.summary) + ".", "vecton " + std::string(command.name));
  std::function<void()> action;
  OwnArguments own;
  try {
    action = command.define(app);
    own = own_arguments(app, arguments,
                        std::string_view(command.name) == "serve" ? variables() : Environment(),
                        program);
    parse_arguments(app, std::move(own.arguments));
    for (const std::string& note : own.notes) std::fprintf(stderr, "vecton: %s\n", note.c_str());
  } catch (const CLI::CallForHelp&) {
    std::fputs(command_help(app, std::min(terminal_width(), 110)).c_str(), stdout);
    return 0;
  } catch (const CLI::ParseError& error) {
    return wrong_usage(command, usage_message(app, error, own.origins));
  } catch (const Failure& failure) {
    if (failure.status() == ExitStatus::kUsage) return wrong_usage(command, failure.what());
    return report(failure.what(), failure.status());
  } catch (const Error& error) {  // an environment variable that makes no sense
    return report(error.what(), exit_status(error.code()));
  } catch (const std::exception& error) {
    return report(error.what(), ExitStatus::kInternal);
  }
  return run_action(action);
}

}  // namespace

int run_program(const std::vector<std::string>& typed) {
  std::setlocale(LC_CTYPE, "C.UTF-8");  // widths of characters on a terminal
  OwnCommand own;
  std::vector<std::string>& rest = own.arguments;
  std::string name;
  try {
    own = own_command(typed);
  } catch (const Failure& failure) {
    return report(failure.what(), failure.status());
  }
  if (rest.empty()) {
    std::fputs(help_text().c_str(), stderr);
    return static_cast<int>(ExitStatus::kUsage);
  }
  name = rest.front();
  rest.erase(rest.begin());
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
  return found == commands().end() ? unknown_command(name) : run_command(*found, rest, own.program);
}

}  // namespace vecton::cli
