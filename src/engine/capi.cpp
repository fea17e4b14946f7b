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

struct vecton_matrix {
  vecton::Vectors vectors;
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
      {"revision", &options.hub.revision},
      {"dtype", &options.dtype},
      {"compute", &options.compute},
      {"quantization", &options.quantization},
      {"runner", &options.runner},
      {"convert", &options.convert},
      {"backend", &options.backend},
      {"kv_cache_dtype", &options.kv_cache_dtype},
      {"tokenizer", &options.tokenizer},
      {"dense_path", &options.dense_path},
      {"default_prompt", &options.default_prompt},
      {"default_prompt_name", &options.default_prompt_name},
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
  } else if (key == "enable_prefix_caching" && value.is_bool()) {
    options.enable_prefix_caching = value.as_bool();
  } else if (key == "cache_bytes" && value.is_int64() && value.as_int64() >= 0) {
    options.cache_bytes = value.as_int64();
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
  const vecton::json::value value = vecton::base::parse_json(text, "options");
  if (!value.is_object())
    throw Error(ErrorCode::kInvalidArgument, "options: expected a JSON object", "options");
  for (const auto& [key, option] : value.as_object()) set_option(options, key, option);
  return options;
}

void require(bool given, const char* names) {
  if (!given) {
    throw Error(ErrorCode::kInvalidArgument, std::string(names) + " must not be NULL");
  }
}

// The texts of a C array; `name` is the argument's.
std::vector<std::string> copy_texts(const char* const* texts, size_t count, const char* name) {
  std::vector<std::string> copies;
  for (size_t i = 0; i < count; ++i) {
    if (!texts[i]) {
      throw Error(ErrorCode::kInvalidArgument,
                  std::string(name) + "[" + std::to_string(i) + "] is NULL", name);
    }
    copies.emplace_back(texts[i]);
  }
  return copies;
}

// The results of `requests`; throws the first error.
std::vector<vecton::Result> results_of(vecton_engine* engine,
                                       std::vector<vecton::Request> requests) {
  std::vector<vecton::Result> results = engine->engine->submit(std::move(requests)).get();
  for (const vecton::Result& result : results) {
    if (result.error()) throw *result.error();
  }
  return results;
}

vecton::Role role_of(const char* role) {
  const std::string_view name = role ? role : "";
  if (name.empty()) return vecton::Role::kNone;
  if (name == "query") return vecton::Role::kQuery;
  if (name == "document") return vecton::Role::kDocument;
  throw Error(ErrorCode::kInvalidArgument,
              "role: expected \"query\" or \"document\", found \"" + std::string(name) + "\"",
              "role");
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
    require(engine && (count == 0 || (texts && out)), "engine, texts and out");
    vecton::Request like;
    if (prompt_name) like.prompt.prompt_name = prompt_name;
    for (const std::vector<float>& vector :
         engine->engine->embed(copy_texts(texts, count, "texts"), like)) {
      out = std::copy(vector.begin(), vector.end(), out);
    }
    return 0;
  });
}

int vecton_score(vecton_engine* engine, const char* query, const char* const* documents,
                 size_t count, const char* instruction, float* out) {
  return guarded(1, [&] {
    require(engine && query && (count == 0 || (documents && out)),
            "engine, query, documents and out");
    vecton::Score task;
    if (instruction) task.instruction = instruction;
    const std::vector<float> scores =
        engine->engine->score(query, copy_texts(documents, count, "documents"), {.task = task});
    std::copy(scores.begin(), scores.end(), out);
    return 0;
  });
}

size_t vecton_label_count(const vecton_engine* engine) {
  return engine ? engine->engine->info().labels.size() : 0;
}

const char* vecton_label(const vecton_engine* engine, size_t label) {
  return label < vecton_label_count(engine) ? engine->engine->info().labels[label].c_str()
                                            : nullptr;
}

int vecton_classify(vecton_engine* engine, const char* const* texts, const char* const* pairs,
                    size_t count, float* out) {
  return guarded(1, [&] {
    require(engine && (count == 0 || (texts && out)), "engine, texts and out");
    const std::vector<std::string> first = copy_texts(texts, count, "texts");
    const std::vector<std::string> second = copy_texts(pairs, pairs ? count : 0, "pairs");
    std::vector<vecton::Request> requests(count);
    for (size_t i = 0; i < count; ++i) {
      vecton::Classify task;
      if (pairs) task.pair = second[i];
      requests[i].prompt.input = first[i];
      requests[i].task = task;
    }
    for (const vecton::Result& result : results_of(engine, std::move(requests))) {
      const std::vector<float>& values = result.get<vecton::Labels>().values;
      if (values.size() != vecton_label_count(engine))
        throw Error(ErrorCode::kInternal, "the model gave more or fewer numbers than labels");
      out = std::copy(values.begin(), values.end(), out);
    }
    return 0;
  });
}

vecton_matrix* vecton_embed_tokens(vecton_engine* engine, const char* text, const char* role) {
  return guarded(static_cast<vecton_matrix*>(nullptr), [&] {
    require(engine && text, "engine and text");
    std::vector<vecton::Request> requests(1);
    requests[0].task = vecton::TokenEmbed{};
    requests[0].prompt = {.input = text, .role = role_of(role)};
    auto matrix = std::make_unique<vecton_matrix>();
    matrix->vectors =
        std::move(results_of(engine, std::move(requests)).at(0).get<vecton::Vectors>());
    return matrix.release();
  });
}

size_t vecton_matrix_rows(const vecton_matrix* matrix) {
  return matrix ? static_cast<size_t>(matrix->vectors.rows) : 0;
}

size_t vecton_matrix_columns(const vecton_matrix* matrix) {
  return matrix ? static_cast<size_t>(matrix->vectors.columns) : 0;
}

const float* vecton_matrix_values(const vecton_matrix* matrix) {
  return matrix ? matrix->vectors.values.data() : nullptr;
}

void vecton_matrix_free(vecton_matrix* matrix) { delete matrix; }

void vecton_free(vecton_engine* engine) { delete engine; }

const char* vecton_last_error(void) { return last_error().c_str(); }

}  // extern "C"
