// vecton info: how a model will be run, resolved from its files and the options, without reading
// its weights.
#include <CLI/App.hpp>
#include <algorithm>
#include <cstdio>

#include "backend/machine.h"
#include "base/counted.h"
#include "base/json.h"
#include "base/json_text.h"
#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/served_routes.h"

namespace vecton::cli {

namespace {

struct InfoOptions {
  EngineOptions engine;
  bool json = false;
};

// About, of a model that isn't quantised: its table of words is kept as `dtype` says, all else as
// it is multiplied. In int8 a block of 64 has a scale of four bytes.
int64_t float_bytes(const ModelInfo& info, std::string_view dtype) {
  const int64_t width = dtype == "bfloat16" || dtype == "float16" ? 2 : 4;
  const int64_t table = std::min(info.parameters, info.vocab_size * info.hidden_size);
  const int64_t rest = info.parameters - table;
  return table * width + (info.compute == "int8"      ? rest * 17 / 16
                          : info.compute == "float32" ? rest * width
                                                      : rest * 2);
}

// What only an opened model knows for certain, from the options and the machine.
void complete(ModelInfo& info, const EngineOptions& options) {
  const bool quantised = info.weight_bytes > 0;  // which --dtype doesn't change
  const std::string dtype = options.dtype == "auto" || quantised ? info.dtype : options.dtype;
  if (!quantised) info.weight_bytes = float_bytes(info, dtype);
  if (info.backend.empty()) info.backend = options.backend;
  if (info.isa.empty()) info.isa = backend::isa_of(info.backend);
  if (info.threads == 0)
    info.threads = options.threads > 0 ? options.threads : backend::machine().cores;
  info.dtype = info.compute == "float32" ? dtype : info.compute;
}

std::string compute_of(const ModelInfo& info) {
  if (info.compute_cosine == 1) return info.compute;
  char text[128];
  std::snprintf(
      text, sizeof text,
      "%s: cosine to float32 at least %.4f with all-MiniLM-L6-v2; 'vecton bench --compute "
      "all' measures yours",
      info.compute.c_str(), info.compute_cosine);
  return text;
}

// As stored, of all of them.
double bits_per_weight(const ModelInfo& info) {
  const auto bits = 8 * static_cast<double>(info.file_bytes);
  return info.parameters > 0 ? bits / static_cast<double>(info.parameters) : 0;
}

json::array names_of(const std::vector<Task>& tasks) {
  json::array names;
  for (Task task : tasks) names.push_back(to_string(task));
  return names;
}

json::array labels_json(const ModelInfo& info) {
  json::array labels;
  for (size_t i = 0; i < info.labels.size(); ++i)
    labels.push_back(json::parse(label_json(info, i)));
  return labels;
}

json::array forms_json(const ModelInfo& info) {
  json::array forms;
  for (const WeightForm& form : info.weight_forms) {
    forms.push_back({{"form", form.form},
                     {"parameters", form.parameters},
                     {"file_bytes", form.file_bytes},
                     {"weight_bytes", form.weight_bytes}});
  }
  return forms;
}

std::string as_json(const ModelInfo& info) {
  json::object prompts;
  for (const auto& [name, prompt] : info.prompts) prompts[name] = prompt;
  json::value default_prompt;
  if (info.default_prompt_name) default_prompt = *info.default_prompt_name;
  const json::object out{{"name", info.name},
                         {"folder", info.folder},
                         {"architecture", info.architecture},
                         {"family", info.family},
                         {"tasks", names_of(info.tasks)},
                         {"routes", json::value_from(served_routes(info))},
                         {"labels", labels_json(info)},
                         {"activation", info.activation},
                         {"scorer", info.scorer},
                         {"similarity", info.similarity},
                         {"pooling", info.pooling},
                         {"normalize", info.normalize},
                         {"dense", json::value_from(info.dense)},
                         {"prompts", std::move(prompts)},
                         {"default_prompt_name", std::move(default_prompt)},
                         {"matryoshka", info.matryoshka},
                         {"matryoshka_dimensions", json::value_from(info.matryoshka_dimensions)},
                         {"matryoshka_least", info.matryoshka_least},
                         {"max_model_len", info.max_model_len},
                         {"hidden_size", info.hidden_size},
                         {"embedding_size", info.embedding_size},
                         {"layers", info.layers},
                         {"vocab_size", info.vocab_size},
                         {"parameters", info.parameters},
                         {"file_bytes", info.file_bytes},
                         {"bits_per_weight", bits_per_weight(info)},
                         {"weight_bytes", info.weight_bytes},
                         {"weights", forms_json(info)},
                         {"cache_bytes_per_token", info.cache_bytes_per_token},
                         {"kv_cache_dtype", info.kv_cache_dtype},
                         {"state_bytes", info.state_bytes},
                         {"dtype", info.dtype},
                         {"compute", info.compute},
                         {"compute_cosine", info.compute_cosine},
                         {"backend", info.backend},
                         {"isa", info.isa},
                         {"threads", info.threads},
                         {"warnings", json::value_from(info.warnings)}};
  return base::json_text(out) + "\n";
}

template <typename T, typename Text>
std::string joined(const std::vector<T>& items, Text text, const char* none) {
  std::string out;
  for (const T& item : items) out += (out.empty() ? "" : ", ") + std::string(text(item));
  return out.empty() ? none : out;
}

std::string dimensions_of(const ModelInfo& info) {
  if (!info.matryoshka) return "fixed";
  const std::string any = info.matryoshka_least > 1
                              ? "any from " + std::to_string(info.matryoshka_least) + " on"
                              : "any";
  return joined(
      info.matryoshka_dimensions, [](int64_t n) { return std::to_string(n); }, any.c_str());
}

// "7.25 M parameters, 4.1 MB on disk, 0.562 bytes each; 4.1 MB in memory, 0.562".
std::string form_of(const WeightForm& form) {
  const auto each = [&](int64_t bytes) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g",
                  static_cast<double>(bytes) / static_cast<double>(form.parameters));
    return format_bytes(static_cast<double>(bytes)) + ", " + text + " bytes each";
  };
  return form.form + ": " + base::counted(form.parameters, "number") + ", on disk " +
         each(form.file_bytes) + "; in memory " + each(form.weight_bytes);
}

// The first labels, and how many there are.
std::string labels_of(const ModelInfo& info) {
  constexpr size_t kShown = 12;
  const std::vector<std::string> first(
      info.labels.begin(),
      info.labels.begin() + static_cast<int64_t>(std::min(kShown, info.labels.size())));
  const std::string names = joined(
      first, [](const std::string& label) { return label; }, "none");
  if (info.labels.size() == 1) return names;
  return std::to_string(info.labels.size()) + ": " + names +
         (info.labels.size() > kShown ? ", ..." : "");
}

// "115 KB a token (float32), 20 MB a sequence".
std::string cache_of(const ModelInfo& info) {
  std::string text = format_bytes(static_cast<double>(info.cache_bytes_per_token)) + " a token";
  if (!info.kv_cache_dtype.empty()) text += " (" + info.kv_cache_dtype + ")";
  if (info.state_bytes > 0)
    text += ", " + format_bytes(static_cast<double>(info.state_bytes)) + " a sequence";
  return text;
}

std::string as_table(const ModelInfo& info) {
  std::string out;
  const auto line = [&](const std::string& label, const std::string& value) {
    out += label + std::string(label.size() < 15 ? 15 - label.size() : 1, ' ') + value + "\n";
  };
  line("model", info.name);
  line("folder", info.folder);
  line("architecture", info.architecture + " (family " + info.family + ")");
  line("tasks", joined(
                    info.tasks, [](Task task) { return to_string(task); }, "none"));
  line("serves", joined(
                     served_routes(info), [](const std::string& path) { return path; }, "none"));
  if (!info.scorer.empty()) {
    line("scores by", info.scorer + (info.similarity.empty() ? "" : " (" + info.similarity + ")"));
  }
  if (!info.labels.empty()) line(info.labels.size() == 1 ? "label" : "labels", labels_of(info));
  if (!info.activation.empty()) line("activation", info.activation);
  line("pooling", info.pooling.empty() ? "none" : info.pooling);
  line("dense", joined(
                    info.dense, [](const std::string& text) { return text; }, "none"));
  line("normalised", info.normalize ? "yes" : "no");
  line("vector", base::counted(info.embedding_size, "value") + ", " + dimensions_of(info));
  if (info.prompts.empty()) line("prompts", "none");
  for (const auto& [name, prompt] : info.prompts) {
    std::string quoted;
    base::append_json_string(quoted, prompt);
    const bool is_default = info.default_prompt_name == name;
    line(&name == &info.prompts.front().first ? "prompts" : "",
         name + (is_default ? " (default): " : ": ") + quoted);
  }
  line("max length", base::counted(info.max_model_len, "token"));
  line("layers", std::to_string(info.layers) + " of width " + std::to_string(info.hidden_size));
  line("vocabulary", base::counted(info.vocab_size, "token"));
  char bits[32];
  std::snprintf(bits, sizeof bits, "%.3g", bits_per_weight(info));
  line("parameters", format_count(info.parameters) + " (" +
                         format_bytes(static_cast<double>(info.file_bytes)) + " on disk, " + bits +
                         " bits each)");
  line("weights",
       info.dtype + ", " + format_bytes(static_cast<double>(info.weight_bytes)) + " in memory");
  line("compute", compute_of(info));
  for (const WeightForm& form : info.weight_forms) {
    if (form.weight_bytes > 0 && form.parameters > 0) line("", form_of(form));
  }
  if (info.cache_bytes_per_token > 0 || info.state_bytes > 0) line("cache", cache_of(info));
  line("runs on", info.backend + " (" + info.isa + "), " + base::counted(info.threads, "thread"));
  for (const std::string& warning : info.warnings) line("warning", warning);
  return out;
}

}  // namespace

std::function<void()> define_info(CLI::App& app) {
  auto options = std::make_shared<InfoOptions>();
  add_engine_options(app, options->engine);
  app.add_flag("--json", options->json, "Print JSON");
  app.footer(
      "Examples:\n"
      "  vecton info sentence-transformers/all-MiniLM-L6-v2\n"
      "  vecton info ./my-model --json\n"
      "\nOptions that change how a model is run change what is shown.");
  return [options] {
    find_model(options->engine.model, options->engine.hub);  // with its progress, if it downloads
    ModelInfo info = inspect(options->engine);
    complete(info, options->engine);
    print(options->json ? as_json(info) : as_table(info));
  };
}

}  // namespace vecton::cli
