#include "server/tei.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/dot_product.h"
#include "base/json.h"
#include "base/json_text.h"
#include "engine/prompts.h"
#include "server/answer_memory.h"
#include "server/fields.h"
#include "server/render.h"
#include "server/tei_fields.h"

namespace vecton::server::tei {

namespace {

void check_dimensions(const Context& context, const std::optional<int64_t>& dimensions) {
  if (!dimensions) return;
  if (*dimensions <= 0)
    throw Failure(Cause::kInvalid, "`dimensions` should be positive", "dimensions");
  if (*dimensions > context.info.embedding_size) {
    throw Failure(Cause::kInvalid,
                  "`dimensions` should be smaller than the maximum embedding dimension.",
                  "dimensions");
  }
}

std::string prompt_of(const Context& context, const std::optional<std::string>& name) {
  const std::optional<std::string>& wanted = name ? name : context.info.default_prompt_name;
  if (!wanted) return "";
  const auto found = engine::find_prompt(context.info, *wanted);
  std::string names;
  for (const auto& [prompt_name, prompt] : context.info.prompts) {
    if (found && prompt_name == found->prompt_name) return prompt;
    names += (names.empty() ? "\"" : ", \"") + prompt_name + "\"";
  }
  // TEI's clients learn the names from the list in brackets.
  throw Failure(Cause::kInvalid,
                "`prompt_name` \"" + *wanted + "\" is not one of the model's prompts" +
                    (names.empty() ? ": it has none" : ". Available prompts: [" + names + "]"),
                "prompt_name");
}

void append_tokens(std::string& out, const Tokenizer& tokenizer, const std::string& text,
                   const Encoding& encoding) {
  out += '[';
  for (size_t i = 0; i < encoding.ids.size(); ++i) {
    const bool special = encoding.special_tokens_mask[i] != 0;
    const auto [start, stop] = encoding.offsets[i];
    out += (i ? ",{\"id\":" : "{\"id\":") + std::to_string(encoding.ids[i]) + ",\"text\":";
    base::append_json_string(out, special ? tokenizer.id_to_token(encoding.ids[i])
                                          : std::string_view(text).substr(start, stop - start));
    if (special) {
      out += ",\"special\":true,\"start\":null,\"stop\":null}";
    } else {
      out += ",\"special\":false,\"start\":" + std::to_string(start) +
             ",\"stop\":" + std::to_string(stop) + "}";
    }
  }
  out += ']';
}

HttpResponse render_scores(const std::vector<float>& scores) {
  HttpResponse response{.content_type = std::string(kJsonType)};
  append_floats(response.body, scores);
  return response;
}

// The cosines of the source and each sentence, which the model embeds alike, in vectors of
// length 1.
void plan_cosines(const std::string& source, std::vector<std::string> sentences,
                  const Request& like, CallPlan& plan) {
  plan.field = "inputs";
  plan.name_of = [](const std::string&, size_t i) {
    if (i == 0) return std::string("inputs.source_sentence");
    return "inputs.sentences[" + std::to_string(i - 1) + "]";
  };
  plan.requests.assign(sentences.size() + 1, like);
  for (size_t i = 0; i < plan.requests.size(); ++i)
    plan.requests[i].prompt.input = i == 0 ? source : std::move(sentences[i - 1]);
  plan.render = [](std::vector<Result> results) {
    std::vector<float> scores;
    for (size_t i = 1; i < results.size(); ++i)
      scores.push_back(static_cast<float>(
          base::dot_product(results[0].get<Vectors>().values, results[i].get<Vectors>().values)));
    return render_scores(scores);
  };
}

HttpResponse render_vectors(std::vector<Result> results) {
  HttpResponse response{.content_type = std::string(kJsonType), .body = "["};
  for (size_t i = 0; i < results.size(); ++i) {
    if (i == 1) reserve_answer(response.body, response.body.size() * (results.size() + 1));
    if (i) response.body += ',';
    append_floats(response.body, results[i].get<Vectors>().values);
    results[i] = {};
  }
  response.body += ']';
  return response;
}

// Whether the model is known to be trained for vectors of so many values.
bool trained_for(const ModelInfo& info, int64_t dimensions) {
  if (dimensions == info.embedding_size) return true;
  const std::vector<int64_t>& listed = info.matryoshka_dimensions;
  return info.matryoshka && dimensions >= info.matryoshka_least &&
         (listed.empty() || std::find(listed.begin(), listed.end(), dimensions) != listed.end());
}

HttpResponse render_token_vectors(std::vector<Result> results) {
  HttpResponse response{.content_type = std::string(kJsonType), .body = "["};
  for (size_t i = 0; i < results.size(); ++i) {
    if (i) response.body += ',';
    const auto& vectors = results[i].get<Vectors>();
    append_rows(response.body, vectors.values, vectors.rows, vectors.columns);
    results[i] = {};
  }
  response.body += ']';
  return response;
}

HttpResponse render_sparse_vectors(std::vector<Result> results) {
  HttpResponse response{.content_type = std::string(kJsonType), .body = "["};
  for (size_t i = 0; i < results.size(); ++i) {
    if (i) response.body += ',';
    const auto& sparse = results[i].get<SparseVector>();
    append_weights(response.body, sparse.ids, sparse.values);
  }
  response.body += ']';
  return response;
}

// A body of `inputs` and the fields that every route has.
CallPlan plan_inputs(const Call& call, Task task, HttpResponse (*render)(std::vector<Result>)) {
  require(call.context.info, task);
  CallPlan plan;
  const Body body(call.body);
  Fields fields(body.get());
  Inputs inputs = fields.inputs("inputs", true);
  const Request like = read_request(call.context, fields, default_parameters(task));
  // A client of TEI, where it changes nothing, sends it by default.
  if (fields.boolean("normalize") == true) {
    plan.warnings.push_back("normalize changes nothing: these vectors are as the model gives them");
  }
  plan.ignored = fields.finish();
  set_requests(call, std::move(inputs), like, plan);
  plan.render = render;
  return plan;
}

struct Row {
  Cause cause;
  int status;
  const char* type;  // null: a plain sentence instead of JSON
};

constexpr Row kErrors[] = {
    {Cause::kContentType, 415, nullptr},
    {Cause::kBadJson, 400, nullptr},
    {Cause::kShape, 422, nullptr},
    {Cause::kEmpty, 400, "Empty"},
    {Cause::kBatchSize, 422, "Validation"},
    {Cause::kInvalid, 422, "Validation"},
    {Cause::kTooLong, 422, "Validation"},
    {Cause::kTokenizer, 422, "Tokenizer"},
    {Cause::kTask, 424, "Backend"},
    {Cause::kModelName, 404, "Validation"},
    {Cause::kRoute, 404, nullptr},
    {Cause::kMethod, 405, nullptr},
    {Cause::kUnauthorized, 401, nullptr},
    {Cause::kForbidden, 403, nullptr},
    {Cause::kBodySize, 413, nullptr},
    {Cause::kHeadSize, 431, nullptr},
    {Cause::kHttp, 400, nullptr},
    {Cause::kSlow, 408, nullptr},
    {Cause::kQueueFull, 429, "Overloaded"},
    {Cause::kKeyLimit, 429, "Overloaded"},
    {Cause::kUnavailable, 503, "Unhealthy"},
    {Cause::kInternal, 424, "Backend"},
};

std::string message_of(const Failure& failure, int64_t max_model_len) {
  switch (failure.cause) {
    case Cause::kBadJson:
      return "Failed to parse the request body as JSON: " + failure.message;
    case Cause::kShape:
      return "Failed to deserialize the JSON body into the target type: " + failure.message;
    case Cause::kTooLong:
      return "`inputs` must have less than " + std::to_string(max_model_len + 1) + " tokens. " +
             failure.message;
    case Cause::kQueueFull:
      return "Model is overloaded";
    default:
      return failure.message;
  }
}

}  // namespace

CallPlan embed(const Call& call) {
  require(call.context.info, Task::kEmbed);
  CallPlan plan;
  const Body body(call.body);
  Fields fields(body.get());
  Inputs inputs = fields.inputs("inputs", true);
  Request like = read_request(call.context, fields, Embed{});
  const Embed task{.dimensions = fields.integer("dimensions"),
                   .dimensions_of_any_model = true,  // TEI shortens them all
                   .normalize = fields.boolean("normalize").value_or(true)};
  plan.ignored = fields.finish();
  check_dimensions(call.context, task.dimensions);
  if (task.dimensions && !trained_for(call.context.info, *task.dimensions)) {
    plan.warnings.push_back(
        "dimensions: this model is not known to be trained for vectors of this size");
  }
  like.task = task;
  set_requests(call, std::move(inputs), like, plan);
  plan.render = render_vectors;
  return plan;
}

CallPlan embed_all(const Call& call) {
  return plan_inputs(call, Task::kTokenEmbed, render_token_vectors);
}

CallPlan embed_sparse(const Call& call) {
  return plan_inputs(call, Task::kSparseEmbed, render_sparse_vectors);
}

CallPlan similarity(const Call& call) {
  const ModelInfo& info = call.context.info;
  if (!does(info, Task::kScore)) require(info, Task::kEmbed);
  CallPlan plan;
  Fields fields(call.body);
  fields.require("inputs");
  std::string source;
  std::vector<std::string> sentences;
  if (const json::object* object = fields.object("inputs")) {
    Fields inner(*object, "body.inputs");
    inner.require("source_sentence");
    source = inner.text("source_sentence").value_or("");
    sentences = inner.texts("sentences");
    inner.finish_within(fields);
  }
  const json::object none;
  const json::object* parameters = fields.object("parameters");
  Fields options(parameters ? *parameters : none, "body.parameters");
  const bool embeds = does(info, Task::kEmbed);
  const Request like =
      read_request(call.context, options,
                   embeds ? TaskParameters(Embed{.normalize = true}) : TaskParameters(Score{}));
  options.finish_within(fields);
  plan.ignored = fields.finish();
  if (sentences.empty()) refuse_empty("inputs.sentences");
  check_batch_size(call.context, sentences.size() + 1, "inputs.sentences");
  if (embeds) {
    plan_cosines(source, std::move(sentences), like, plan);
  } else {
    name_pairs("inputs.source_sentence", "inputs.sentences", true, plan);
    plan.requests = make_pairs({source}, sentences, like);
    plan.render = [](std::vector<Result> results) {
      std::vector<float> scores;
      for (const Result& result : results) scores.push_back(result.get<Relevance>().score);
      return render_scores(scores);
    };
  }
  return plan;
}

// A body for "/" means what the loaded model is for.
CallPlan root(const Call& call) {
  const ModelInfo& info = call.context.info;
  const json::value* inputs = call.body.if_contains("inputs");
  if (inputs && inputs->is_object()) return similarity(call);
  if (call.body.contains("texts")) return rerank(call);
  const bool labelled = (info.images || !does(info, Task::kClassify)) &&
                        Body(call.body).get().contains("candidate_labels");
  if (labelled) return zero_shot_labels(call);
  switch (info.tasks.empty() ? Task::kEmbed : info.tasks.front()) {
    case Task::kEmbed:
      return embed(call);
    case Task::kTokenEmbed:
      return embed_all(call);
    case Task::kSparseEmbed:
      return embed_sparse(call);
    case Task::kTokenClassify:
      return token_classify(call);
    case Task::kFillMask:
      return fill_mask(call);
    case Task::kScore:
      return is_reranker(info) && info.scorer != "late-interaction" ? predict(call)
                                                                    : embed_all(call);
    case Task::kClassify:
    case Task::kGenerate:
      break;
  }
  return predict(call);
}

CallPlan tokenize(const Call& call) {
  CallPlan plan;
  Fields fields(call.body);
  const Inputs inputs = fields.inputs("inputs", false, false);
  const bool special = fields.boolean("add_special_tokens").value_or(true);
  const std::optional<std::string> prompt_name = fields.text("prompt_name");
  plan.ignored = fields.finish();
  if (inputs.items.empty()) refuse_empty("inputs");
  const std::string prompt = prompt_of(call.context, prompt_name);
  HttpResponse response{.content_type = std::string(kJsonType), .body = "["};
  for (size_t i = 0; i < inputs.items.size(); ++i) {
    const std::string text = prompt + std::get<std::string>(inputs.items[i]);
    if (i) response.body += ',';
    append_tokens(
        response.body, call.context.tokenizer, text,
        call.context.tokenizer.encode(text, {.add_special_tokens = special, .offsets = true}));
  }
  response.body += ']';
  plan.render = [response](std::vector<Result>) { return response; };
  return plan;
}

CallPlan decode(const Call& call) {
  CallPlan plan;
  Fields fields(call.body);
  const Inputs inputs = fields.inputs("ids", false);
  const bool skip = fields.boolean("skip_special_tokens").value_or(true);
  if (!inputs.items.empty() && inputs.items.front().index() == 0) {
    fields.wrong("ids", "int_type", "expected token ids, or a list of lists of them");
  }
  plan.ignored = fields.finish();
  if (inputs.items.empty()) refuse_empty("ids");
  HttpResponse response{.content_type = std::string(kJsonType), .body = "["};
  for (size_t i = 0; i < inputs.items.size(); ++i) {
    if (i) response.body += ',';
    try {
      base::append_json_string(
          response.body,
          call.context.tokenizer.decode(std::get<std::vector<int32_t>>(inputs.items[i]), skip));
    } catch (const Error& error) {
      throw Failure(Cause::kTokenizer, error.what(), "ids");
    }
  }
  response.body += ']';
  plan.render = [response](std::vector<Result>) { return response; };
  return plan;
}

HttpResponse refuse(const Failure& failure, int64_t max_model_len) {
  const Row& row = *std::find_if(std::begin(kErrors), std::end(kErrors) - 1,
                                 [&](const Row& r) { return r.cause == failure.cause; });
  HttpResponse response{.status = row.status};
  const std::string message = message_of(failure, max_model_len);
  if (!row.type) {
    response.content_type = "text/plain; charset=utf-8";
    response.body = message;
    return response;
  }
  response.content_type = kJsonType;
  response.body = "{\"error\":";
  base::append_json_string(response.body, message);
  response.body += std::string(",\"error_type\":\"") + row.type + "\"}";
  return response;
}

}  // namespace vecton::server::tei
