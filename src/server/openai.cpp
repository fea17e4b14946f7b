#include "server/openai.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/json_text.h"
#include "server/chat.h"
#include "server/chat_prompt.h"
#include "server/conversation_fields.h"
#include "server/fields.h"
#include "server/images.h"
#include "server/messages.h"
#include "server/render.h"
#include "server/vllm_answer.h"
#include "server/vllm_fields.h"

namespace vecton::server::openai {

namespace {

// The type of the numbers in Jina's word and Voyage's, and Jina's task.
void read_others(const Call& call, Fields& fields, Request& like, NumberFormat& format,
                 CallPlan& plan) {
  if (const auto task = fields.text("task"))
    set_task_prompt(call.context.info, *task, "task", like.prompt, plan.warnings);
  const json::value *ours = fields.any("embedding_type"), *theirs = fields.any("output_dtype");
  if (ours && theirs && *ours != *theirs) {
    fields.wrong("output_dtype", "value_error",
                 "is another word for `embedding_type`, which says otherwise: send one of them");
  }
  const NumberFormat other = format;  // as vLLM's words have it; their defaults say nothing
  for (const char* field : {"embedding_type", "output_dtype"}) {
    const auto word =
        fields.choice(field, {"float", "int8", "uint8", "binary", "ubinary", "base64"});
    if (!word) continue;
    if (word == "base64") {
      if (other.bytes())
        fields.wrong(field, "value_error", "'base64', and `encoding_format` has another form");
      format.form = NumberFormat::Form::kBase64;
    } else if (*word != "float") {
      if (other.type != NumberType::kFloat32)
        fields.wrong(field, "value_error", "`embed_dtype` says the type already: send one of them");
      format.type = *number_type_from(*word);
    }
    const auto* embed = std::get_if<Embed>(&like.task);
    if (!embed && is_whole(format.type)) {
      fields.wrong(field, "literal_error", "vectors of tokens are 'float' or 'base64'");
      continue;
    }
    const int64_t size = call.context.info.embedding_size;
    check_size(format.type, embed ? embed->dimensions.value_or(size) : size, field);
  }
}

// The texts of `inputs` are the parts of one document, which the model reads as a whole.
void join_chunks(CallPlan& plan) {
  Request one = plan.requests.front();
  for (const Request& request : plan.requests) {
    const auto* text = std::get_if<std::string>(&request.prompt.input);
    if (!text || !request.prompt.images.empty()) {
      throw Failure(Cause::kInvalid,
                    "late_chunking: the parts must be texts, not token ids, messages or images",
                    "late_chunking");
    }
    std::get<Embed>(one.task).late_chunks.push_back(*text);
  }
  one.prompt.input = std::string();
  plan.requests = {std::move(one)};
}

// A result per row; the first one counts the tokens of all.
std::vector<Result> split_rows(const Result& result) {
  const auto& vectors = result.get<Vectors>();
  std::vector<Result> rows(static_cast<size_t>(vectors.rows));
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto begin = vectors.values.begin() + static_cast<int64_t>(i) * vectors.columns;
    rows[i].answer =
        Vectors{.rows = 1, .columns = vectors.columns, .values = {begin, begin + vectors.columns}};
  }
  if (!rows.empty()) rows.front().usage = result.usage;
  return rows;
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
    {Cause::kForbidden, 403, "PermissionDeniedError"},
    {Cause::kBodySize, 413, "RequestEntityTooLargeError"},
    {Cause::kHeadSize, 431, "RequestHeaderFieldsTooLargeError"},
    {Cause::kHttp, 400, "Bad Request"},
    {Cause::kSlow, 408, "RequestTimeoutError"},
    {Cause::kQueueFull, 429, "RateLimitError"},
    {Cause::kKeyLimit, 429, "RateLimitError"},
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

// What the model does and reads, for clients that show what fits it.
void append_abilities(std::string& out, const ModelInfo& info) {
  json::array tasks;
  for (const Task task : info.tasks) tasks.emplace_back(to_string(task));
  json::array modalities;
  if (info.vocab_size > 0 || !info.images) modalities.emplace_back("text");
  if (info.images) modalities.emplace_back("image");
  out += ",\"tasks\":" + base::json_text(tasks) +
         ",\"scorer\":" + (info.scorer.empty() ? "null" : json_text(info.scorer)) +
         ",\"input_modalities\":" + base::json_text(modalities);
}

const char* word_of(ModelState state) {
  switch (state) {
    case ModelState::kUnloaded:
      return "unloaded";
    case ModelState::kLoading:
      return "loading";
    case ModelState::kLoaded:
      return "loaded";
    case ModelState::kUnloading:
      return "unloading";
    case ModelState::kSleeping:
      break;
  }
  return "sleeping";
}

void append_model(std::string& out, const ListedModel& model, const std::string& name,
                  int64_t started, bool with_state = false) {
  out += "{\"id\":";
  base::append_json_string(out, name);
  out += ",\"object\":\"model\",\"created\":";
  append_number(out, started);
  out += ",\"owned_by\":\"vecton\",\"root\":";
  base::append_json_string(out, model.public_name);
  out += ",\"parent\":null,\"max_model_len\":";
  out += model.info ? std::to_string(model.info->max_model_len) : "null";
  if (model.info) append_abilities(out, *model.info);
  out += ",\"permission\":[]";
  if (with_state) out += std::string(",\"status\":{\"value\":\"") + word_of(model.state) + "\"}";
  out += '}';
}

HttpResponse list(std::span<const ListedModel> models, int64_t started, bool with_states) {
  HttpResponse response{.content_type = std::string(kJsonType),
                        .body = "{\"object\":\"list\",\"data\":["};
  for (const ListedModel& model : models) {
    if (!model.served() && !with_states) continue;
    for (const std::string& name : model.names) {
      if (response.body.back() != '[') response.body += ',';
      append_model(response.body, model, with_states ? model.shown(name) : name, started,
                   with_states);
    }
  }
  response.body += "]}";
  return response;
}

void append_tokens(std::string& out, const Tokenizer& tokenizer, const std::vector<int32_t>& ids,
                   int64_t max_model_len, bool strings) {
  out += "{\"count\":" + std::to_string(ids.size()) +
         ",\"max_model_len\":" + std::to_string(max_model_len) + ",\"tokens\":[";
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i) out += ',';
    append_number(out, static_cast<int64_t>(ids[i]));
  }
  out += "],\"token_strs\":";
  if (!strings) {
    out += "null}";
    return;
  }
  out += '[';
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i) out += ',';
    base::append_json_string(out, tokenizer.id_to_token(ids[i]));
  }
  out += "]}";
}

}  // namespace

CallPlan embeddings(const Call& call) {
  // As vLLM: a vector for each token where that is what the model is for.
  const bool rows = default_task(call.context.info) == Task::kTokenEmbed;
  if (!rows) require_route(call.context.info, Task::kEmbed);
  const Task task = rows ? Task::kTokenEmbed : Task::kEmbed;
  CallPlan plan;
  Fields fields(call.body);
  const Head head = read_head(call, fields, "embd-");
  Inputs inputs = read_inputs(call, fields);
  Request like = read_request(call.context, fields, default_parameters(task));
  read_embedding(call.context, fields, like, plan);
  const bool late = fields.boolean("late_chunking").value_or(false);
  if (fields.any("late_chunking_params") || (late && rows)) {
    fields.wrong(late ? "late_chunking" : "late_chunking_params", "extra_forbidden",
                 "parts of fixed size are not pooled: send the parts of a document as `input` with "
                 "`late_chunking`, to a model that gives one vector for a text");
  }
  NumberFormat format = read_format(fields);
  read_others(call, fields, like, format, plan);
  set_requests(call, fields, std::move(inputs), like, plan);
  plan.names.emplace_back("late_chunks", "late_chunking");
  if (late) join_chunks(plan);
  plan.render = [head, format, late, task](std::vector<Result> results) {
    if (late) results = split_rows(results.at(0));
    return render(head, format, {"embedding", "embedding"}, {.tasks = {task}}, std::move(results));
  };
  return plan;
}

CallPlan invocations(const Call& call) {
  const auto has = [&](const char* field) {
    const json::value* value = call.body.if_contains(field);
    return value && !value->is_null();
  };
  if (has("task")) return pooling(call);
  if (has("query") && has("documents")) return rerank(call);
  if (has("text_1") || has("data_1") || has("queries")) return score(call);
  if (does(call.context.info, Task::kGenerate)) {
    if (has("messages")) return chat_completions(call);
    if (has("prompt")) return completions(call);
  }
  const Task task = default_task(call.context.info);
  if (task == Task::kEmbed) return embeddings(call);
  return task == Task::kClassify ? classify(call) : pooling(call);
}

CallPlan tokenize(const Call& call) {
  CallPlan plan;
  Fields fields(call.body);
  model_of(call.context, fields);
  const bool chat = fields.any("messages") != nullptr;
  const bool generates = does(call.context.info, Task::kGenerate);
  Chat messages;
  Conversation conversation;
  read_conversation_settings(fields, conversation);
  refuse_embeds(fields, "prompt");
  std::string prompt = fields.text("prompt").value_or("");
  if (chat) {
    if (!prompt.empty())
      fields.wrong("prompt", "extra_forbidden", "expected `prompt` or `messages`, not both");
    read_messages(fields, conversation);
    if (!generates && has_media(*fields.any("messages"))) {
      require_images(call.context, "messages");
      throw Failure(Cause::kInvalid,
                    "messages: how many tokens an image has is known when the model reads it; the "
                    "usage of its embedding counts them",
                    "messages");
    }
    if (!generates && fields.good()) {
      normalised_messages(conversation.messages, false, nullptr);  // refuses what no chat has
      messages = read_chat(call.context, fields, true);
    }
  } else {
    fields.require("prompt");
  }
  const bool special = fields.boolean("add_special_tokens").value_or(!chat);
  const bool strings = fields.boolean("return_token_strs").value_or(false);
  plan.ignored = fields.finish();
  const auto render = [&tokenizer = call.context.tokenizer, strings,
                       length = call.context.info.max_model_len](const std::vector<int32_t>& ids) {
    HttpResponse response{.content_type = std::string(kJsonType)};
    append_tokens(response.body, tokenizer, ids, length, strings);
    return response;
  };
  if (chat && generates) {
    ChatPrompt made = make_chat_prompt(call.context, conversation, {.max_tokens = 1});
    if (!made.request.prompt.images.empty()) {  // the model itself knows how many tokens they are
      plan.single = true;
      made.request.prompt.add_special_tokens = special;
      plan.requests.push_back(std::move(made.request));
      plan.render = [render](const std::vector<Result>& results) {
        return render(results.front().get<Generation>().prompt_token_ids);
      };
      return plan;
    }
    prompt = std::move(made.parser.prompt);
  } else if (chat) {
    prompt = call.context.templates.render(messages.input, messages.chat_template);
  }
  const auto ids = call.context.tokenizer.encode(prompt, {.add_special_tokens = special}).ids;
  plan.render = [response = render(ids)](const std::vector<Result>&) { return response; };
  return plan;
}

CallPlan detokenize(const Call& call) {
  CallPlan plan;
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
  std::string prompt;
  if (!inputs.items.empty()) {
    try {
      prompt = call.context.tokenizer.decode(std::get<std::vector<int32_t>>(inputs.items[0]));
    } catch (const Error& error) {
      throw Failure(Cause::kInvalid, error.what(), "tokens");
    }
  }
  HttpResponse response{.content_type = std::string(kJsonType)};
  response.body = "{\"prompt\":";
  base::append_json_string(response.body, prompt);
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
  base::append_json_string(out, message_of(failure));
  out += std::string(",\"type\":\"") + row.type + "\",\"param\":";
  if (failure.param.empty()) {
    out += "null";
  } else {
    base::append_json_string(out, failure.param);
  }
  out += ",\"code\":" + std::to_string(row.status) + "}";
  // All that vLLM's router says of a path or method that it does not have.
  if (failure.cause == Cause::kRoute) out += ",\"detail\":\"Not Found\"";
  if (failure.cause == Cause::kMethod) out += ",\"detail\":\"Method Not Allowed\"";
  out += '}';
  return response;
}

HttpResponse models(std::span<const ListedModel> models, int64_t started) {
  return list(models, started, false);
}

HttpResponse model_states(std::span<const ListedModel> models, int64_t started) {
  return list(models, started, true);
}

HttpResponse model(std::span<const ListedModel> models, int64_t started, const std::string& name) {
  for (const ListedModel& model : models) {
    if (!model.served() || std::ranges::count(model.names, name) == 0) continue;
    HttpResponse response{.content_type = std::string(kJsonType)};
    append_model(response.body, model, name, started);
    return response;
  }
  return refuse(Failure(Cause::kModelName, "The model `" + name + "` does not exist.", "model"), 0);
}

}  // namespace vecton::server::openai
