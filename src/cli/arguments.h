// Command-line parsing shared by all commands, around CLI11.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
class Validator;
}  // namespace CLI

namespace vecton::cli {

// A positional argument that takes any number of values exactly as they stand. CLI11 by itself
// would split "[a,b]" and drop "{}".
CLI::Option* add_texts(CLI::App& app, const std::string& name, std::vector<std::string>& texts,
                       const std::string& description);

// "8k" is 8000 and "8K" 8192, as in vLLM (k, m, g and t; K, M, G and T); plain numbers as well.
// None for anything else.
std::optional<int64_t> human_integer(const std::string& text);

// Checks of a value, each with words of its own for one that is wrong.
// A whole number of at least `least`, up to `most`; "8K" where the option takes such.
CLI::Validator at_least(int64_t least);
CLI::Validator within(int64_t least, int64_t most);
// Seconds: a number that is not negative.
CLI::Validator not_negative();
// One of the words.
CLI::Validator one_of(std::vector<std::string> words);

// Parses `arguments`; the last of several values of a single-valued option counts. Throws
// CLI::ParseError (wrong usage, or a call for help).
void parse_arguments(CLI::App& app, std::vector<std::string> arguments);

}  // namespace vecton::cli
