#include "cli/models_file.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/json.h"
#include "cli/arguments.h"
#include "cli/failure.h"
#include "cli/foreign_arguments.h"
#include "cli/serve.h"
#include "cli/usage.h"
#include "cli/yaml_config.h"

namespace vecton::cli {

namespace {

// What the models of a server share.
constexpr const char* kShared[] = {"--threads", "--backend"};

YamlFile read_json(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw Failure(ExitStatus::kUsage, "--models: " + file.string() + " can't be read");
  const std::string text(std::istreambuf_iterator<char>(in), {});
  try {
    json::value value = base::parse_json(text, file.string());
    if (value.is_object()) return {std::move(value.get_object()), {}};
  } catch (const Error& error) {
    throw Failure(ExitStatus::kUsage, error.what());
  }
  throw Failure(ExitStatus::kUsage, file.string() + ": expected an object with a list `models`");
}

struct ReadModel {
  server::ModelOptions options;
  std::vector<std::string> notes;
};

// Failure (kUsage) names the option.
ReadModel parse(const json::object& model, const server::ModelOptions& defaults) {
  ReadModel read{defaults, {}};
  read.options.engine.model.clear();
  read.options.served_model_names.clear();
  CLI::App app;
  add_model_options(app, read.options);
  for (const char* shared : kShared) app.remove_option(app.get_option(shared));
  OwnArguments own;
  try {
    own = own_arguments(app, typed_options(model));
    parse_arguments(app, own.arguments);
  } catch (const CLI::ParseError& error) {
    throw Failure(ExitStatus::kUsage, usage_message(app, error, own.origins));
  }
  read.notes = std::move(own.notes);
  return read;
}

class ModelsFileReader {
 public:
  ModelsFileReader(const std::filesystem::path& file, const server::ModelOptions& defaults)
      : file_(file),
        defaults_(defaults),
        yaml_(file.extension() == ".json" ? read_json(file) : read_yaml(file, "--models")) {}

  ModelsFile read() {
    for (const auto& [key, value] : yaml_.content) {
      if (key != "models") {
        const std::string name(key);
        refuse("/" + name, "'" + name +
                               "' is not known here; expected `models`, a list in which each has a "
                               "`model` and its options. What all models share are options of "
                               "vecton serve");
      }
    }
    const json::value* const models = yaml_.content.if_contains("models");
    if (!models || !models->is_array() || models->get_array().empty())
      refuse("/models", "expected `models`, a list in which each has a `model` and its options");
    for (const json::value& model : models->get_array()) {
      pointer_ = "/models/" + std::to_string(out_.models.size());
      if (!model.is_object()) refuse(pointer_, "expected options, such as `model: org/name`");
      out_.models.push_back(read_model(model.get_object()));
    }
    return std::move(out_);
  }

 private:
  [[noreturn]] void refuse(const std::string& pointer, const std::string& message) const {
    throw Failure(ExitStatus::kUsage, place(pointer) + message);
  }

  // "models.yaml:7: models[1]: ", without the line where it isn't known.
  std::string place(const std::string& pointer) const {
    const auto line = yaml_.lines.find(pointer);
    std::string text = file_.string() + ":";
    if (line != yaml_.lines.end()) text += std::to_string(line->second) + ":";
    if (!pointer_.empty()) text += " models[" + std::to_string(out_.models.size()) + "]:";
    return text + " ";
  }

  // The member of the model that `message` is about, by the option that it names.
  std::string pointer_of(const json::object& model, const std::string& message) const {
    for (const auto& [key, value] : model) {
      std::string option(key);
      std::ranges::replace(option, '_', '-');
      const size_t at = message.find("--" + option);
      if (at == std::string::npos) continue;
      const size_t end = at + 2 + option.size();
      if (end == message.size() || std::string("' =:").find(message[end]) != std::string::npos)
        return pointer_ + "/" + std::string(key);
    }
    return pointer_;
  }

  server::ModelOptions read_model(const json::object& model) {
    try {
      ReadModel read = parse(model, defaults_);
      for (const std::string& note : read.notes) out_.notes.push_back(place(pointer_) + note);
      return std::move(read.options);
    } catch (const Failure& failure) {
      refuse(pointer_of(model, failure.what()), failure.what());
    }
  }

  const std::filesystem::path& file_;
  const server::ModelOptions& defaults_;
  YamlFile yaml_;
  ModelsFile out_;
  std::string pointer_;  // of the model that is read
};

}  // namespace

ModelsFile read_models_file(const std::filesystem::path& file,
                            const server::ModelOptions& defaults) {
  return ModelsFileReader(file, defaults).read();
}

server::ModelOptions read_model(const json::object& body, const server::ModelOptions& defaults) {
  try {
    return parse(body, defaults).options;
  } catch (const Failure& failure) {
    throw Error(ErrorCode::kInvalidArgument, failure.what());
  }
}

}  // namespace vecton::cli
