#include "vecton/capi.h"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "vecton/vecton.h"

struct vecton_engine {
  std::unique_ptr<vecton::Engine> engine;
};

namespace {

using vecton::EngineOptions;
using vecton::Error;
using vecton::ErrorCode;

std::string& last_error() {
  thread_local std::string message;
  return message;
}

// Runs `f`; no exception crosses the C interface.
template <typename F, typename T>
T guarded(T on_failure, F f) {
  last_error().clear();
  try {
    return f();
  } catch (const std::exception& e) {
    last_error() = e.what();
  }
  return on_failure;
}

void set_option(EngineOptions& options, std::string_view key, const vecton::json::value& value) {
  const std::pair<std::string_view, std::string*> strings[] = {
      {"revision", &options.hub.revision}, {"dtype", &options.dtype},
      {"runner", &options.runner},         {"convert", &options.convert},
      {"backend", &options.backend},
  };
  for (const auto& [name, option] : strings) {
    if (key == name && value.is_string()) {
      *option = std::string(value.as_string());
      return;
    }
  }
  if (key == "pooler_config" && value.is_object()) {
    options.pooler_config = vecton::json::serialize(value);
  } else if (key == "hf_overrides" && value.is_object()) {
    options.hf_overrides = vecton::json::serialize(value);
  } else if (key == "max_model_len" && value.is_int64()) {
    options.max_model_len = value.as_int64();
  } else if (key == "threads" && value.is_int64() && value.as_int64() >= 0 &&
             value.as_int64() <= 4096) {
    options.threads = static_cast<int>(value.as_int64());
  } else {
    throw Error(ErrorCode::kInvalidArgument,
                "options: \"" + std::string(key) + "\" is not known or has a wrong type",
                std::string(key));
  }
}

EngineOptions read_options(const char* model, const char* text) {
  if (!model) throw Error(ErrorCode::kInvalidArgument, "model must not be NULL", "model");
  EngineOptions options;
  options.model = model;
  if (!text) return options;
  const vecton::json::value value = vecton::parse_json(text, "options");
  if (!value.is_object())
    throw Error(ErrorCode::kInvalidArgument, "options: expected a JSON object", "options");
  for (const auto& [key, option] : value.as_object()) set_option(options, key, option);
  return options;
}

}  // namespace

extern "C" {

const char* vecton_version(void) { return vecton::version(); }

vecton_engine* vecton_create(const char* model, const char* options) {
  return guarded(static_cast<vecton_engine*>(nullptr), [&] {
    auto engine = std::make_unique<vecton_engine>();
    engine->engine = vecton::Engine::open(read_options(model, options));
    return engine.release();
  });
}

size_t vecton_embedding_size(const vecton_engine* engine) {
  return engine ? static_cast<size_t>(engine->engine->info().embedding_size) : 0;
}

int vecton_embed(vecton_engine* engine, const char* const* texts, size_t count,
                 const char* prompt_name, float* out) {
  return guarded(1, [&] {
    if (!engine || (count > 0 && (!texts || !out))) {
      throw Error(ErrorCode::kInvalidArgument, "engine, texts and out must not be NULL");
    }
    std::vector<std::string> copies;
    for (size_t i = 0; i < count; ++i) {
      if (!texts[i])
        throw Error(ErrorCode::kInvalidArgument, "texts[" + std::to_string(i) + "] is NULL",
                    "texts");
      copies.emplace_back(texts[i]);
    }
    vecton::Request like;
    if (prompt_name) like.prompt_name = prompt_name;
    for (const std::vector<float>& vector : engine->engine->embed(copies, like)) {
      out = std::copy(vector.begin(), vector.end(), out);
    }
    return 0;
  });
}

void vecton_free(vecton_engine* engine) { delete engine; }

const char* vecton_last_error(void) { return last_error().c_str(); }

}  // extern "C"
