#include "cli/own_options.h"

#include <CLI/App.hpp>
#include <algorithm>

#include "base/ascii.h"
#include "base/json_text.h"
#include "cli/dotted_json.h"
#include "cli/failure.h"

namespace vecton::cli {

namespace {

bool asks_for_the_same(const ForeignOption& row, const std::string& value) {
  const std::vector<std::string> same = split(row.same, ' ');
  return std::ranges::count(same, value) > 0;
}

}  // namespace

void usage_error(const std::string& message) { throw Failure(ExitStatus::kUsage, message); }

bool is_true(const std::string& given) {
  const std::string value = base::ascii_lower(given);
  for (const char* yes : {"true", "1", "t", "yes", "y", "on", "enabled"})
    if (value == yes) return true;
  return false;
}

const CLI::Option* OwnOptions::find(const std::string& name) const {
  return app_.get_option_no_throw(name);
}

void OwnOptions::positional(const std::string& text) {
  own_.push_back(text);
  has_positional_ = true;
}

void OwnOptions::texts(Arguments::const_iterator begin, Arguments::const_iterator end) {
  texts_.insert(texts_.end(), begin, end);
}

void OwnOptions::flag(const std::string& name) {
  said_.insert(name);
  own_.push_back(name);
}

void OwnOptions::option(const std::string& name, const std::string& value) {
  said_.insert(name);
  if (value.starts_with('-')) {
    own_.push_back(name + "=" + value);
  } else {
    own_.push_back(name);
    own_.push_back(value);
  }
}

void OwnOptions::apply_json(const ForeignOption& row, const std::string& shown,
                            const std::string& path, const std::string& value) {
  if (row.meaning != Meaning::kWorks) return apply(row, shown, value);
  if (row.translate) {
    json::object members;
    return apply(row, shown, merge_dotted(members, path, value) ? base::json_text(members) : value);
  }
  if (merge_dotted(objects_[row.text], path, value)) return;
  option(row.text, value);  // no object: whoever reads it has the words for that
}

void OwnOptions::apply(const ForeignOption& row, const std::string& shown,
                       const std::string& value) {
  if (asks_for_the_same(row, value)) return;
  if (row.meaning == Meaning::kIgnored) {
    if (noted_.insert(shown).second) notes_.push_back(shown + " has no effect here: " + row.text);
    return;
  }
  if (row.meaning == Meaning::kRefused) {
    if (row.takes == Takes::kNothing && value == "false") return;  // says no to it
    usage_error(shown + (row.takes == Takes::kNothing ? "" : " " + value) +
                " is not supported; what works: " + row.text);
  }
  if (row.translate) {
    emit(row.translate(row, value), shown);
  } else if (row.takes == Takes::kNothing) {
    const std::string name = row.text;
    if (value == "true") {
      emit({name}, shown);
    } else if (find("--no-" + name.substr(2))) {
      emit({"--no-" + name.substr(2)}, shown);
    }
  } else {
    if (row.text != shown && !from_environment_) origins_[row.text] = shown;
    emit({row.text, value}, shown);
  }
}

// Options of this program, of which flags stand alone.
void OwnOptions::emit(const Arguments& options, const std::string& shown) {
  for (size_t i = 0; i < options.size(); ++i) {
    const std::string& name = options[i];
    const bool has_value = i + 1 < options.size() && !options[i + 1].starts_with("--");
    if (name == kModelArgument) {
      name_model(options[++i]);
    } else if (name == kFileArgument) {
      model_file_ = options[++i];
    } else if (name == kTextArgument) {
      if (!takes_texts()) usage_error("--text: this command takes no texts");
      texts_.push_back(options[++i]);
    } else if (!find(name)) {
      usage_error(shown + " is an option of 'vecton serve'");
    } else if (name == "--pooler-config" || name == "--hf-overrides" ||
               name == "--speculative-config" || name == "--override-generation-config") {
      merge_dotted(objects_[name], "", options[++i]);
    } else if (has_value || find(name)->get_items_expected_min() > 0) {
      option(name, options[++i]);
    } else {
      flag(name);
    }
  }
}

bool OwnOptions::takes_texts() const {
  for (const CLI::Option* option : app_.get_options())
    if (option->get_positional() && option->get_name(true) == kTextArgument) return true;
  return false;
}

void OwnOptions::name_model(const std::string& model) {
  if (model_.empty() || model_ == model) {
    model_ = model;
  } else if (serves()) {
    more_models_.push_back(model);
  } else {
    usage_error("one model is taken; two are named: " + model_ + " and " + model);
  }
}

void OwnOptions::default_model(const std::string& model) {
  if (model_.empty() && !has_positional_) model_ = model;
}

// A variable that is llama-server's by its name and stands for no option of the table.
void OwnOptions::note_unknown_variables(const Environment& environment) {
  constexpr std::string_view kPrefix = "LLAMA_ARG_";
  std::set<std::string> known;
  for (const ForeignOption& row : foreign_options())
    for (const std::string& name : variables_of(row)) known.insert(name);
  for (const auto& [name, value] : environment) {
    if (!name.starts_with(kPrefix) || value.empty() || known.count(name) > 0) continue;
    const bool negative =
        known.count("LLAMA_ARG_" + name.substr(std::min(name.size(), size_t{13})));
    const bool opposite = name.starts_with("LLAMA_ARG_NO_") && negative;
    notes_.push_back(name + (opposite ? " has no effect here: the variable without NO_ says false"
                                      : " has no effect here: there is no option of that name"));
  }
}

void OwnOptions::read_environment(const Environment& environment) {
  note_unknown_variables(environment);
  const Arguments typed = std::move(own_);
  const std::set<std::string> said = said_;
  const std::string model = model_;
  const auto objects = std::move(objects_);
  objects_.clear();
  from_environment_ = true;
  for (const ForeignOption& row : foreign_options()) {
    for (const std::string& name : variables_of(row)) {
      const auto variable = environment.find(name);
      if (variable == environment.end() || variable->second.empty()) continue;
      own_.clear();
      apply_variable(row, name, variable->second);
      if (own_.empty() || said.count(own_.front()) > 0) continue;
      origins_[own_.front()] = name;
      variables_.insert(variables_.end(), own_.begin(), own_.end());
    }
  }
  if (!model.empty() || has_positional_) model_ = model;
  for (const auto& [name, object] : objects)
    merge_dotted(objects_[name], "", base::json_text(object));
  own_ = typed;
}

void OwnOptions::apply_variable(const ForeignOption& row, const std::string& name,
                                const std::string& value) {
  if (row.text == kModelArgument && (has_positional_ || !model_.empty())) return;
  try {
    if (row.takes == Takes::kNothing) return apply(row, name, is_true(value) ? "true" : "false");
    const bool several = row.takes == Takes::kList || name.starts_with("INFINITY_");
    const Arguments parts = several ? split(value, ';') : Arguments{value};
    for (const std::string& part : parts) apply(row, name, part);
  } catch (const Failure& failure) {
    usage_error(name + "=" + value + " (environment): " + failure.what());
  }
}

OwnArguments OwnOptions::finish() {
  OwnArguments out{std::move(variables_), std::move(notes_), std::move(origins_)};
  if (!model_file_.empty() && model_.empty())
    usage_error("--hf-file " + model_file_ + ": no --hf-repo says whose file it is");
  if (!model_file_.empty()) model_ = model_.substr(0, model_.find(':')) + "/" + model_file_;
  if (serves() && has_positional_ && !model_.empty())
    usage_error("'" + model_ + "' is one argument too many: MODEL is there without --model");
  out.arguments.insert(out.arguments.begin(), more_models_.begin(), more_models_.end());
  if (!model_.empty()) out.arguments.insert(out.arguments.begin(), model_);
  for (const auto& [name, object] : objects_) {
    if (object.empty()) continue;
    own_.push_back(name);
    own_.push_back(base::json_text(object));
  }
  out.arguments.insert(out.arguments.end(), own_.begin(), own_.end());
  if (!texts_.empty()) {
    out.arguments.emplace_back("--");
    out.arguments.insert(out.arguments.end(), texts_.begin(), texts_.end());
  }
  return out;
}

}  // namespace vecton::cli
