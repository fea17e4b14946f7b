// The arguments of this program that a command line comes to, option by option.
//
// Used by foreign_arguments.cpp, which reads the line.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/json.h"
#include "cli/foreign_arguments.h"

namespace CLI {
class Option;
}

namespace vecton::cli {

[[noreturn]] void usage_error(const std::string& message);

// "true", "1", "yes"... of variables and flags.
bool is_true(const std::string& given);

class OwnOptions {
 public:
  explicit OwnOptions(const CLI::App& app) : app_(app) {}

  // This program's option of that spelling; null where the command has none.
  const CLI::Option* find(const std::string& name) const;
  // Whether this is the command that other programs' servers are.
  bool serves() const { return find("--served-model-name") != nullptr; }

  void positional(const std::string& text);
  void texts(Arguments::const_iterator begin, Arguments::const_iterator end);
  void raw(const std::string& text) { own_.push_back(text); }
  // An option of this program, with its value, which may begin with a dash.
  void flag(const std::string& name);
  void option(const std::string& name, const std::string& value);

  // What `value` of the row's option means here; `shown` names it in messages.
  void apply(const ForeignOption& row, const std::string& shown, const std::string& value);
  // The same for JSON: the member at `path`, or a whole object.
  void apply_json(const ForeignOption& row, const std::string& shown, const std::string& path,
                  const std::string& value);

  // MODEL where nothing else names one.
  void default_model(const std::string& model);
  // What the environment says where the command line is silent.
  void read_environment(const Environment& environment);

  OwnArguments finish();

 private:
  void apply_variable(const ForeignOption& row, const std::string& name, const std::string& value);
  void emit(const Arguments& options, const std::string& shown);
  void note_unknown_variables(const Environment& environment);
  bool takes_texts() const;
  void name_model(const std::string& model);

  const CLI::App& app_;
  bool has_positional_ = false, from_environment_ = false;
  std::string model_, model_file_;
  Arguments more_models_;  // of a server
  Arguments own_, texts_, variables_;
  std::map<std::string, json::object> objects_;  // of JSON options
  std::map<std::string, std::string> origins_;
  std::set<std::string> said_, noted_;
  std::vector<std::string> notes_;
};

}  // namespace vecton::cli
