// The commands of the program. commands.cpp holds the table; each command is a file of its own.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace vecton::cli {

struct Command {
  const char* name;
  const char* summary;  // one line, for the list of commands
  // Adds the command's options to `app` and returns what to do once they are parsed.
  std::function<void()> (*define)(CLI::App& app);
};

std::function<void()> define_generate(CLI::App& app);
std::function<void()> define_chat(CLI::App& app);
std::function<void()> define_embed(CLI::App& app);
std::function<void()> define_similarity(CLI::App& app);
std::function<void()> define_rerank(CLI::App& app);
std::function<void()> define_score(CLI::App& app);
std::function<void()> define_classify(CLI::App& app);
std::function<void()> define_tag(CLI::App& app);
std::function<void()> define_fill_mask(CLI::App& app);
std::function<void()> define_encode(CLI::App& app);
std::function<void()> define_tokenize(CLI::App& app);
std::function<void()> define_detokenize(CLI::App& app);
std::function<void()> define_info(CLI::App& app);
std::function<void()> define_models(CLI::App& app);
std::function<void()> define_pull(CLI::App& app);
std::function<void()> define_convert(CLI::App& app);
std::function<void()> define_serve(CLI::App& app);
std::function<void()> define_bench(CLI::App& app);
std::function<void()> define_completion(CLI::App& app);

// All commands, in the order of the help text.
std::span<const Command> commands();

// Parses `arguments` (without the program's name), runs the command and returns the exit status.
int run_program(const std::vector<std::string>& arguments);

}  // namespace vecton::cli
