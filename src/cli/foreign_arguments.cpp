#include "cli/foreign_arguments.h"

#include <CLI/App.hpp>
#include <algorithm>
#include <optional>

#include "cli/own_options.h"
#include "cli/usage.h"
#include "cli/yaml_config.h"

namespace vecton::cli {

namespace {

bool is_option(const std::string& text) {
  return text.size() > 1 && text.front() == '-' && !(text[1] >= '0' && text[1] <= '9') &&
         text[1] != ' ' && text[1] != '.';
}

std::string with_hyphens(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

// An option as typed: "--name.key=value" in its parts.
struct Typed {
  std::string name, path;  // "--pooler-config", "task"
  std::optional<std::string> value;
};

Typed take_apart(const std::string& text) {
  Typed typed;
  const size_t equals = text.find('=');
  typed.name = text.substr(0, equals);
  if (equals != std::string::npos) typed.value = text.substr(equals + 1);
  if (const size_t dot = typed.name.find('.'); dot != std::string::npos) {
    typed.path = typed.name.substr(dot + 1);
    typed.name.resize(dot);
  }
  if (typed.name.starts_with("--")) typed.name = with_hyphens(typed.name);
  if (text.starts_with("-O") && typed.path.empty() && typed.name.size() > 2) {  // -O3
    typed.value = typed.name.substr(2);
    typed.name = "-O";
  }
  return typed;
}

class Translator {
 public:
  Translator(const CLI::App& app, const Environment& environment, unsigned program)
      : app_(app), environment_(environment), program_(program), own_(app) {}

  OwnArguments run(const Arguments& typed) {
    arguments_ = with_config(typed);
    names_model_ = finds_model();
    while (at_ < arguments_.size()) step();
    own_.default_model(model_of_file_);
    own_.read_environment(environment_);
    return own_.finish();
  }

 private:
  // The options of --config FILE stand before the others, which count more.
  Arguments with_config(const Arguments& typed) {
    if (!own_.serves()) return typed;
    Arguments from_file, rest;
    for (size_t i = 0; i < typed.size(); ++i) {
      const bool inline_value = typed[i].starts_with("--config=");
      if (typed[i] == "--") {
        rest.insert(rest.end(), typed.begin() + static_cast<int64_t>(i), typed.end());
        break;
      }
      if (typed[i] != "--config" && !inline_value) {
        rest.push_back(typed[i]);
        continue;
      }
      if (!inline_value && i + 1 == typed.size()) usage_error("--config: expected a file");
      const std::string file = inline_value ? typed[i].substr(9) : typed[++i];
      const Arguments options = read_yaml_options(file);
      for (size_t at = 0; at < options.size(); ++at) {
        if (options[at].starts_with("--")) check_known(take_apart(options[at]).name, file);
        if (options[at] == "--model" && at + 1 < options.size()) {
          model_of_file_ = options[++at];
        } else {
          from_file.push_back(options[at]);
        }
      }
    }
    from_file.insert(from_file.end(), rest.begin(), rest.end());
    return from_file;
  }

  // Whether MODEL stands anywhere but at the end of a list: "--served-model-name a b MODEL".
  bool finds_model() const {
    bool after_list = false;
    for (size_t i = 0; i < arguments_.size(); ++i) {
      const std::string& text = arguments_[i];
      if (text == "--") return i + 1 < arguments_.size();
      if (!is_option(text)) {
        if (!after_list) return true;
        continue;
      }
      const Typed typed = take_apart(text);
      const ForeignOption* row = row_of(typed.name);
      if (row && row->text == kModelArgument) return true;
      after_list = row && row->takes == Takes::kList && !typed.value;
      if (!after_list && !typed.value && takes_value(typed, row)) ++i;
    }
    return !model_of_file_.empty() || !variable_value("--model-id").empty();
  }

  std::string variable_value(const char* option) const {
    const ForeignOption* row = find_foreign_option(option);
    for (const std::string& name : variables_of(*row)) {
      const auto variable = environment_.find(name);
      if (variable != environment_.end() && !variable->second.empty()) return variable->second;
    }
    return "";
  }

  bool takes_value(const Typed& typed, const ForeignOption* row) const {
    if (!typed.path.empty()) return true;
    if (const CLI::Option* option = own_.find(typed.name); option && !(row && means_the_same(*row)))
      return option->get_items_expected_min() > 0;
    return row && row->takes != Takes::kNothing && row->takes != Takes::kPerhaps &&
           row->takes != Takes::kBoolean;
  }

  void step() {
    const std::string text = arguments_[at_++];
    if (text == "--") {
      own_.texts(arguments_.begin() + static_cast<int64_t>(at_), arguments_.end());
      at_ = arguments_.size();
      return;
    }
    if (!is_option(text)) return own_.positional(text);
    if (text.starts_with("--help=")) return own_.raw("--help");  // vLLM's help of one group
    take(take_apart(text), text);
  }

  void take(Typed typed, const std::string& text) {
    const ForeignOption* row = row_of(typed.name);
    const CLI::Option* option = own_.find(typed.name);
    if (option && !is_short_of_program(typed.name, row) && typed.path.empty() &&
        !(row && means_the_same(*row)))
      return take_own(*option, typed);
    bool said = true;
    if (!row) {
      row = find_opposite(typed.name);
      said = false;
    }
    if (row) return take_foreign(*row, std::move(typed), said);
    if (text.starts_with("--")) unknown(typed.name);
    own_.raw(text);  // "-p8000", for CLI11 to take apart
  }

  // Whether an option that both have is read as the other program's: its values are written
  // otherwise. Where two options have but the name in common ("vecton encode --task"), it is not.
  bool means_the_same(const ForeignOption& row) const {
    return (row.translate && own_.serves()) || row.takes == Takes::kJson ||
           row.takes == Takes::kList || row.takes == Takes::kBoolean;
  }

  const ForeignOption* row_of(const std::string& name) const {
    return find_foreign_option(name, program_);
  }

  // "-j" of llama-server is another option than "-j" here.
  bool is_short_of_program(const std::string& name, const ForeignOption* row) const {
    return row && (row->programs & program_) != 0 && !name.starts_with("--");
  }

  // The flag whose opposite `name` is.
  const ForeignOption* find_opposite(const std::string& name) const {
    const auto flag = [this](const std::string& spelling) -> const ForeignOption* {
      const ForeignOption* row = row_of(spelling);
      return row && row->takes == Takes::kNothing ? row : nullptr;
    };
    if (name.starts_with("--no-")) return flag("--" + name.substr(5));
    if (name.starts_with("--disable-")) return flag("--enable-" + name.substr(10));
    if (name.starts_with("--enable-")) return flag("--disable-" + name.substr(9));
    if (name.starts_with("-no")) return flag("-" + name.substr(3));  // llama-server's -nocb
    return nullptr;
  }

  void take_own(const CLI::Option& option, const Typed& typed) {
    const bool is_flag = option.get_items_expected_max() == 0;
    if (typed.value && is_flag) return set_flag(typed.name, *typed.value);
    if (typed.value) return own_.option(typed.name, *typed.value);
    own_.flag(typed.name);
    if (option.get_items_expected_min() > 0 && at_ < arguments_.size()) own_.raw(arguments_[at_++]);
  }

  // "--offline=true", as scripts write it.
  void set_flag(const std::string& name, const std::string& value) {
    if (!is_boolean(value)) usage_error(name + ": expected true or false, found " + value);
    const bool negative = name.starts_with("--no-");
    const std::string opposite = negative ? "--" + name.substr(5) : "--no-" + name.substr(2);
    if (is_true(value)) {
      own_.flag(name);
    } else if (own_.find(opposite)) {
      own_.flag(opposite);
    }
  }

  std::string value_of(Typed& typed) {
    if (typed.value) return *typed.value;
    if (at_ == arguments_.size() || arguments_[at_] == "--" || find_option(arguments_[at_]))
      usage_error(typed.name + ": expected a value");
    return arguments_[at_++];
  }

  // Whether `text` is an option that somebody knows; a value may begin with a dash.
  bool find_option(const std::string& text) const {
    if (!is_option(text)) return false;
    const std::string name = take_apart(text).name;
    return own_.find(name) || row_of(name) || find_opposite(name);
  }

  std::vector<std::string> values_of(Typed& typed) {
    if (typed.value) return {*typed.value};
    std::vector<std::string> values;
    while (at_ < arguments_.size() && arguments_[at_] != "--" && !is_option(arguments_[at_]))
      values.push_back(arguments_[at_++]);
    if (values.empty()) usage_error(typed.name + ": expected a value");
    const bool ends = at_ == arguments_.size() || arguments_[at_] == "--";
    if (ends && !names_model_ && values.size() > 1) {  // the last is MODEL
      own_.positional(values.back());
      values.pop_back();
    }
    return values;
  }

  void take_foreign(const ForeignOption& row, Typed typed, bool said) {
    const std::string shown = typed.name + (typed.path.empty() ? "" : "." + typed.path);
    switch (row.takes) {
      case Takes::kNothing: {
        const bool on = typed.value ? is_true(*typed.value) == said : said;
        return own_.apply(row, shown, on ? "true" : "false");
      }
      case Takes::kPerhaps:
      case Takes::kBoolean: {
        const bool boolean = row.takes == Takes::kBoolean;
        const bool follows = !typed.value && at_ < arguments_.size() &&
                             (boolean ? is_boolean(arguments_[at_]) : !is_option(arguments_[at_]));
        const std::string value = typed.value ? *typed.value : follows ? arguments_[at_++] : "";
        if (!boolean && value.empty() && row.meaning == Meaning::kWorks) return;  // as without it
        return own_.apply(row, shown, value.empty() ? "true" : value);
      }
      case Takes::kList:
        for (const std::string& value : values_of(typed)) own_.apply(row, shown, value);
        return;
      case Takes::kJson: {
        const std::string value = value_of(typed);
        return own_.apply_json(row, shown, typed.path, value);
      }
      case Takes::kValue:
        if (!typed.path.empty()) usage_error("there is no option '" + shown + "'");
        return own_.apply(row, shown, value_of(typed));
    }
  }

  static bool is_boolean(const std::string& text) {
    for (const char* word : {"true", "false", "True", "False", "1", "0"})
      if (text == word) return true;
    return false;
  }

  // An option of a --config file must be one.
  void check_known(const std::string& name, const std::string& file) const {
    if (own_.find(name) || row_of(name) || find_opposite(name)) return;
    unknown(name, file + ": ");
  }

  [[noreturn]] void unknown(const std::string& name, const std::string& where = "") const {
    std::vector<std::string> known;
    for (const CLI::Option* option : app_.get_options())
      for (const std::string& spelling : option->get_lnames()) known.push_back("--" + spelling);
    for (const ForeignOption& row : foreign_options()) {
      for (const std::string& option : options_of(row))
        for (const std::string& spelling : split(option, ',')) known.push_back(spelling);
    }
    usage_error(where + unknown_name("option", name, known));
  }

  const CLI::App& app_;
  const Environment& environment_;
  unsigned program_;
  OwnOptions own_;
  Arguments arguments_;
  size_t at_ = 0;
  bool names_model_ = false;
  std::string model_of_file_;
};

}  // namespace

OwnArguments own_arguments(const CLI::App& app, const Arguments& typed,
                           const Environment& environment, unsigned program) {
  return Translator(app, environment, program).run(typed);
}

}  // namespace vecton::cli
