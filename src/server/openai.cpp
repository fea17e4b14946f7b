#include "server/openai.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "server/fields.h"
#include "server/render.h"

namespace vecton::server::openai {

namespace {

enum class Format { kFloat, kBase64, kBytes, kBytesOnly };

// What the pooling routes have in common.
struct Common {
  std::string id, model;
  int64_t created = 0;
  Format format = Format::kFloat;
  Endian endian = Endian::kLittle;
};

int64_t unix_time() {
  using namespace std::chrono;
  return duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
}

std::string model_of(const Context& context, Fields& fields) {
  const std::optional<std::string> name = fields.text("model");
  if (!name || !fields.good()) return context.names.front();
  if (std::find(context.names.begin(), context.names.end(), *name) == context.names.end()) {
    throw Failure(Cause::kModelName, "The model `" + *name + "` does not exist.", "model");
  }
  return *name;
}

// Chat messages need a template and a prompt builder that text embedding models don't have here.
void refuse_messages(Fields& fields) {
  if (fields.any("messages")) {
    throw Failure(Cause::kInvalid,
                  "messages: the loaded model takes text, not chat messages: send `input`",
                  "messages");
  }
}

void read_encoding(Fields& fields, Common& common) {
  const auto format = fields.choice("encoding_format", {"float", "base64", "bytes", "bytes_only"});
  if (format == "base64") common.format = Format::kBase64;
  if (format == "bytes") common.format = Format::kBytes;
  if (format == "bytes_only") common.format = Format::kBytesOnly;
  fields.choice("embed_dtype", {"float32"});
  if (fields.choice("endianness", {"native", "big", "little"}) == "big")
    common.endian = Endian::kBig;
}

// The fields of a request that say how an input is read.
Request read_request(Fields& fields) {
  Request like;
  like.truncate = fields.integer("truncate_prompt_tokens", -1);
  if (const auto side = fields.choice("truncation_side", {"left", "right"})) {
    like.truncation_side =
        side == "left" ? EncodeOptions::Side::kLeft : EncodeOptions::Side::kRight;
  }
  like.add_special_tokens = fields.boolean("add_special_tokens").value_or(true);
  like.prompt_name = fields.text("prompt_name");
  like.use_activation = fields.boolean("use_activation");
  like.dimensions = fields.integer("dimensions");
  fields.choice("padding", {"max_length", "do_not_pad"});  // nothing is ever padded
  if (const auto salt = fields.text("cache_salt")) {
    if (salt->empty() || salt->size() > 1024) {
      fields.wrong("cache_salt", "string_length", "expected 1 to 1024 bytes");
    }
    like.cache_salt = *salt;
  }
  if (const auto priority = fields.integer("priority"); priority.value_or(0) != 0) {
    throw Failure(
        Cause::kInvalid,
        "Got priority " + std::to_string(*priority) + " but priority scheduling is not enabled.",
        "priority");
  }
  if (fields.any("normalize")) {
    fields.wrong("normalize", "extra_forbidden", "`normalize` was removed: use `use_activation`");
  }
  fields.ignore({"user", "mm_processor_kwargs"});
  return like;
}

// Everything but the task; `plan` gets its requests.
Common read_pooling(const Call& call, Fields& fields, const std::string& prefix, Task task,
                    Plan& plan) {
  Common common;
  common.model = model_of(call.context, fields);
  common.created = unix_time();
  refuse_messages(fields);
  Inputs inputs = fields.inputs("input", false);
  if (inputs.items.empty() && fields.good())
    fields.wrong("input", "too_short", "must not be empty");
  Request like = read_request(fields);
  like.task = task;
  read_encoding(fields, common);
  const auto id = fields.text("request_id");
  common.id = prefix + (id && call.http.request_id.empty() ? *id : call.id);
  plan.ignored = fields.finish();
  if (like.dimensions == call.context.info.embedding_size && !call.context.info.matryoshka) {
    like.dimensions.reset();  // the whole vector is what every model gives
  }
  plan.single = inputs.single;
  plan.requests = make_requests(call.context, std::move(inputs), like);
  return common;
}

void append_head(std::string& out, const Common& common) {
  out += "{\"id\":";
  append_string(out, common.id);
  out += ",\"object\":\"list\",\"created\":";
  append_number(out, common.created);
  out += ",\"model\":";
  append_string(out, common.model);
  out += ",\"data\":[";
}

void append_tail(std::string& out, int64_t tokens) {
  out += "],\"usage\":{\"prompt_tokens\":";
  append_number(out, tokens);
  out += ",\"total_tokens\":";
  append_number(out, tokens);
  out += ",\"completion_tokens\":0,\"prompt_tokens_details\":null}}";
}

// `key` holds the numbers; `lists`: a list per row even where there is one row.
HttpResponse render_json(const Common& common, std::vector<Result> results, const char* object,
                         const char* key, bool lists) {
  HttpResponse response{.content_type = std::string(kJsonType)};
  std::string& out = response.body;
  append_head(out, common);
  for (size_t i = 0; i < results.size(); ++i) {
    const Result& r = results[i];
    if (i == 1) out.reserve(out.size() * (results.size() + 1));
    if (i) out += ',';
    out += "{\"index\":";
    append_number(out, static_cast<int64_t>(i));
    out += std::string(",\"object\":\"") + object + "\",\"" + key + "\":";
    if (common.format == Format::kBase64) {
      out += '"';
      append_base64(out, float_bytes(r.values, common.endian));
      out += '"';
    } else if (lists) {
      append_rows(out, r.values, r.rows, r.columns);
    } else {
      append_floats(out, r.values);
    }
    out += '}';
    std::vector<float>().swap(results[i].values);
  }
  append_tail(out, total_tokens(results));
  return response;
}

// All numbers end to end; where each result lies stands in the header "metadata", unless bytes_only
// asks for none.
HttpResponse render_bytes(const Common& common, const std::vector<Result>& results, bool lists) {
  HttpResponse response{.content_type = "application/octet-stream"};
  std::string metadata;
  append_head(metadata, common);
  for (size_t i = 0; i < results.size(); ++i) {
    const Result& r = results[i];
    if (i) metadata += ',';
    metadata += "{\"index\":" + std::to_string(i) +
                ",\"embed_dtype\":\"float32\",\"endianness\":\"" +
                (common.endian == Endian::kBig ? "big" : "little") +
                "\",\"start\":" + std::to_string(response.body.size());
    response.body += float_bytes(r.values, common.endian);
    metadata += ",\"end\":" + std::to_string(response.body.size()) + ",\"shape\":[" +
                (lists ? std::to_string(r.rows) + "," : "") + std::to_string(r.columns) + "]}";
  }
  append_tail(metadata, total_tokens(results));
  if (common.format == Format::kBytes)
    response.headers.emplace_back("metadata", std::move(metadata));
  return response;
}

HttpResponse render(const Common& common, std::vector<Result> results, const char* object,
                    const char* key, bool lists) {
  if (common.format == Format::kBytes || common.format == Format::kBytesOnly) {
    return render_bytes(common, results, lists);
  }
  return render_json(common, std::move(results), object, key, lists);
}

struct Row {
  Cause cause;
  int status;
  const char* type;
};

constexpr Row kErrors[] = {
    {Cause::kContentType, 415, "Bad Request"},
    {Cause::kBadJson, 400, "Bad Request"},
    {Cause::kShape, 400, "Bad Request"},
    {Cause::kEmpty, 400, "BadRequestError"},
    {Cause::kBatchSize, 400, "BadRequestError"},
    {Cause::kInvalid, 400, "BadRequestError"},
    {Cause::kTooLong, 400, "BadRequestError"},
    {Cause::kTokenizer, 400, "BadRequestError"},
    {Cause::kTask, 400, "BadRequestError"},
    {Cause::kModelName, 404, "NotFoundError"},
    {Cause::kRoute, 404, "NotFoundError"},
    {Cause::kMethod, 405, "MethodNotAllowedError"},
    {Cause::kUnauthorized, 401, "AuthenticationError"},
    {Cause::kBodySize, 413, "RequestEntityTooLargeError"},
    {Cause::kSlow, 408, "RequestTimeoutError"},
    {Cause::kQueueFull, 429, "RateLimitError"},
    {Cause::kUnavailable, 503, "ServiceUnavailableError"},
    {Cause::kInternal, 500, "InternalServerError"},
};

std::string message_of(const Failure& failure) {
  if (failure.problems.empty()) return failure.message;
  std::string text = std::to_string(failure.problems.size()) + " validation error(s):";
  for (const Problem& problem : failure.problems) {
    text += "\n  " + problem.where + ": " + problem.message + " [type=" + problem.type + "]";
  }
  return text;
}

void append_model(std::string& out, const ServerOptions& options, const std::string& name,
                  int64_t max_model_len, int64_t started) {
  out += "{\"id\":";
  append_string(out, name);
  out += ",\"object\":\"model\",\"created\":";
  append_number(out, started);
  out += ",\"owned_by\":\"vecton\",\"root\":";
  append_string(out, options.engine.model);
  out += ",\"parent\":null,\"max_model_len\":";
  out += max_model_len > 0 ? std::to_string(max_model_len) : "null";
  out += ",\"permission\":[]}";
}

}  // namespace

Plan embeddings(const Call& call) {
  Plan plan;
  Fields fields(call.body);
  const Common common = read_pooling(call, fields, "embd-", Task::kEmbed, plan);
  plan.render = [common](std::vector<Result> results) {
    return render(common, std::move(results), "embedding", "embedding", false);
  };
  return plan;
}

Plan pooling(const Call& call) {
  Fields fields(call.body);
  const std::vector<Task>& tasks = call.context.info.tasks;
  const std::optional<std::string> name =
      fields.choice("task", {"embed", "token_embed", "classify", "token_classify", "plugin"});
  const std::optional<Task> task = name ? task_from_string(*name) : Task::kEmbed;
  if (!task || std::find(tasks.begin(), tasks.end(), *task) == tasks.end()) {
    throw Failure(Cause::kTask,
                  "Unsupported task: '" + name.value_or("embed") +
                      "'. The loaded model supports: " + task_names(call.context.info),
                  "task");
  }
  Plan plan;
  const bool lists = *task == Task::kTokenEmbed;
  const Common common = read_pooling(call, fields, "pool-", *task, plan);
  plan.render = [common, lists](std::vector<Result> results) {
    return render(common, std::move(results), "pooling", "data", lists);
  };
  return plan;
}

Plan tokenize(const Call& call) {
  Plan plan;
  Fields fields(call.body);
  model_of(call.context, fields);
  refuse_messages(fields);
  fields.require("prompt");
  const std::string prompt = fields.text("prompt").value_or("");
  const bool special = fields.boolean("add_special_tokens").value_or(true);
  const bool strings = fields.boolean("return_token_strs").value_or(false);
  plan.ignored = fields.finish();
  const Tokenizer& tokenizer = call.context.tokenizer;
  const Encoding encoding = tokenizer.encode(prompt, {.add_special_tokens = special});
  HttpResponse response{.content_type = std::string(kJsonType)};
  std::string& out = response.body;
  out += "{\"count\":" + std::to_string(encoding.ids.size()) +
         ",\"max_model_len\":" + std::to_string(call.context.info.max_model_len) + ",\"tokens\":[";
  for (size_t i = 0; i < encoding.ids.size(); ++i) {
    if (i) out += ',';
    append_number(out, static_cast<int64_t>(encoding.ids[i]));
  }
  out += "],\"token_strs\":";
  if (strings) {
    out += '[';
    for (size_t i = 0; i < encoding.ids.size(); ++i) {
      if (i) out += ',';
      append_string(out, tokenizer.id_to_token(encoding.ids[i]));
    }
    out += "]}";
  } else {
    out += "null}";
  }
  plan.render = [response](std::vector<Result>) { return response; };
  return plan;
}

Plan detokenize(const Call& call) {
  Plan plan;
  Fields fields(call.body);
  model_of(call.context, fields);
  const json::value* tokens = fields.any("tokens");
  Inputs inputs;
  if (tokens && !tokens->is_array()) {
    fields.wrong("tokens", "list_type", "expected a list of token ids");
  } else {
    inputs = fields.inputs("tokens", false);
    if (!inputs.items.empty() && !inputs.single && fields.good()) {
      fields.wrong("tokens", "int_type", "expected a list of token ids");
    }
  }
  plan.ignored = fields.finish();
  HttpResponse response{.content_type = std::string(kJsonType)};
  response.body = "{\"prompt\":";
  append_string(response.body, inputs.items.empty()
                                   ? ""
                                   : call.context.tokenizer.decode(
                                         std::get<std::vector<int32_t>>(inputs.items[0])));
  response.body += '}';
  plan.render = [response](std::vector<Result>) { return response; };
  return plan;
}

HttpResponse refuse(const Failure& failure, int64_t) {
  const Row& row = *std::find_if(std::begin(kErrors), std::end(kErrors) - 1,
                                 [&](const Row& r) { return r.cause == failure.cause; });
  HttpResponse response{.status = row.status, .content_type = std::string(kJsonType)};
  std::string& out = response.body;
  out = "{\"error\":{\"message\":";
  append_string(out, message_of(failure));
  out += std::string(",\"type\":\"") + row.type + "\",\"param\":";
  if (failure.param.empty()) {
    out += "null";
  } else {
    append_string(out, failure.param);
  }
  out += ",\"code\":" + std::to_string(row.status) + "}}";
  return response;
}

HttpResponse models(const ServerOptions& options, const std::vector<std::string>& names,
                    int64_t max_model_len, int64_t started) {
  HttpResponse response{.content_type = std::string(kJsonType),
                        .body = "{\"object\":\"list\",\"data\":["};
  for (size_t i = 0; i < names.size(); ++i) {
    if (i) response.body += ',';
    append_model(response.body, options, names[i], max_model_len, started);
  }
  response.body += "]}";
  return response;
}

HttpResponse model(const ServerOptions& options, const std::vector<std::string>& names,
                   int64_t max_model_len, int64_t started, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    return refuse(Failure(Cause::kModelName, "The model `" + name + "` does not exist.", "model"),
                  max_model_len);
  }
  HttpResponse response{.content_type = std::string(kJsonType)};
  append_model(response.body, options, name, max_model_len, started);
  return response;
}

}  // namespace vecton::server::openai
