// What Ollama's clients ask about models: /api/tags, /api/ps, /api/show, /api/version.
#include <algorithm>
#include <ctime>
#include <iterator>

#include "base/json.h"
#include "parsers/formats.h"
#include "server/ollama.h"
#include "server/vllm_fields.h"

namespace vecton::server::ollama {

namespace {

std::string time_text(int64_t seconds) {  // RFC 3339
  const auto time = static_cast<std::time_t>(seconds);
  std::tm utc{};
  gmtime_r(&time, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

// "135M", "1.5B".
std::string size_text(int64_t parameters) {
  const bool billions = parameters >= 1'000'000'000;
  const double count = static_cast<double>(parameters) / (billions ? 1e9 : 1e6);
  char text[32];
  std::snprintf(text, sizeof text, billions ? "%.1fB" : "%.0fM", count);
  return text;
}

json::object details(const ModelInfo& info) {
  return {{"parent_model", ""},
          {"format", info.folder.ends_with(".gguf") ? "gguf" : "safetensors"},
          {"family", info.family},
          {"families", json::array{info.family}},
          {"parameter_size", size_text(info.parameters)},
          {"quantization_level", info.dtype}};
}

// 64 hexadecimal digits that stand for the model as it is served.
std::string digest_of(const ModelInfo& info, const std::string& name) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : name + info.architecture + std::to_string(info.file_bytes))
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  std::string digest;
  for (int i = 0; i < 4; ++i) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
    digest += text;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
  }
  return digest;
}

json::object entry(const ModelInfo& info, const std::string& name) {
  return {{"name", name},
          {"model", name},
          {"size", info.file_bytes},
          {"digest", digest_of(info, name)},
          {"details", details(info)}};
}

// What is known of a model once it has been in memory.
HttpResponse list(std::span<const ListedModel> models,
                  const std::function<void(const ModelInfo&, json::object&)>& add) {
  json::array all;
  for (const ListedModel& model : models) {
    if (!model.served()) continue;
    for (const std::string& name : model.names) {
      const ModelInfo info = model.info ? *model.info : ModelInfo{};
      json::object object = entry(info, model.shown(name));
      add(info, object);
      all.push_back(std::move(object));
    }
  }
  return {.content_type = std::string(kJsonType),
          .body = json::serialize(json::object{{"models", std::move(all)}})};
}

}  // namespace

HttpResponse tags(std::span<const ListedModel> models, int64_t started) {
  return list(models, [&](const ModelInfo&, json::object& model) {
    model["modified_at"] = time_text(started);
  });
}

HttpResponse running(std::span<const ListedModel> models) {
  std::vector<ListedModel> loaded;
  std::ranges::copy_if(models, std::back_inserter(loaded),
                       [](const ListedModel& model) { return model.state == ModelState::kLoaded; });
  return list(loaded, [](const ModelInfo& info, json::object& model) {
    model["expires_at"] = "9999-12-31T23:59:59Z";  // it stays
    model["size_vram"] = 0;
    model["context_length"] = info.max_model_len;
  });
}

HttpResponse version() {
  return {.content_type = std::string(kJsonType),
          .body = std::string("{\"version\":\"") + vecton::version() + "\"}"};
}

CallPlan show(const Call& call) {
  const Context& context = call.context;
  const ModelInfo& info = context.info;
  Fields fields(call.body);
  const auto old_name = fields.text("name");  // of older clients
  if (!old_name || fields.any("model")) openai::model_of(context, fields);
  fields.ignore({"verbose", "system", "template", "options"});
  CallPlan plan;
  plan.ignored = fields.finish();
  const std::string text = context.templates.empty() ? "" : context.templates.text({});
  json::array capabilities;
  if (does(info, Task::kGenerate)) {
    capabilities.emplace_back("completion");
    const parsers::Choice formats = parsers::detect(text);
    if (!formats.tool_calls.empty()) capabilities.emplace_back("tools");
    if (!formats.reasoning.empty()) capabilities.emplace_back("thinking");
  }
  if (does(info, Task::kEmbed)) capabilities.emplace_back("embedding");
  if (info.images) capabilities.emplace_back("vision");
  const std::string& family = info.family;
  const json::object body{
      {"modelfile", ""},
      {"parameters", ""},
      {"template", text},
      {"details", details(info)},
      {"model_info", json::object{{"general.architecture", family},
                                  {"general.parameter_count", info.parameters},
                                  {family + ".context_length", info.max_model_len},
                                  {family + ".embedding_length", info.hidden_size},
                                  {family + ".block_count", info.layers},
                                  {family + ".vocab_size", info.vocab_size}}},
      {"capabilities", std::move(capabilities)}};
  plan.render = [text = json::serialize(body)](const std::vector<Result>&) {
    return HttpResponse{.content_type = std::string(kJsonType), .body = text};
  };
  return plan;
}

}  // namespace vecton::server::ollama
