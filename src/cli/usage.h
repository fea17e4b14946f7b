// What is said of a command line that can't be understood, in this program's words.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace vecton::cli {

// "there is no option '--prot'; did you mean '--port'?"
std::string unknown_name(const std::string& kind, const std::string& name,
                         const std::vector<std::string>& known);

// What CLI11 found wrong while parsing for `app`. `origins`: what gave an
// option its value, another program's option or a variable of the environment.
std::string usage_message(const CLI::App& app, const CLI::ParseError& error,
                          const std::map<std::string, std::string>& origins = {});

}  // namespace vecton::cli
