// Command-line parsing shared by all commands, around CLI11.
#pragma once

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

// A number of at least `least`. CLI11's own says up to which double one may go.
CLI::Validator at_least(int least);

// Parses `arguments`. Throws CLI::ParseError (wrong usage, or a call for help).
void parse_arguments(CLI::App& app, std::vector<std::string> arguments);

}  // namespace vecton::cli
