// vLLM's /pooling, which has every task's numbers, and /classify.
#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "base/json.h"
#include "base/json_text.h"
#include "server/openai.h"
#include "server/render.h"
#include "server/scoring.h"
#include "server/vllm_answer.h"
#include "server/vllm_fields.h"
#include "server/zero_shot.h"

namespace vecton::server::openai {

namespace {

constexpr const char* kTasks =
    "'embed', 'token_embed', 'sparse_embed', 'classify', 'token_classify', 'score' or 'plugin', or "
    "several of one forward pass such as 'embed&token_embed&sparse_embed'";

// Tasks that one forward pass answers together.
bool joins(Task task) {
  return task == Task::kEmbed || task == Task::kTokenEmbed || task == Task::kSparseEmbed;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// The names in `task`: one, several joined by "&", or a list.
std::vector<std::string> task_words(Fields& fields) {
  const json::value* value = fields.any("task");
  if (!value) return {};
  if (value->is_string()) return split(std::string(value->get_string()), '&');
  const std::vector<std::string> words = fields.texts("task");
  if (words.empty() && fields.good())
    fields.wrong("task", "too_short", std::string("expected ") + kTasks);
  return words;
}

// The tasks of the request, in the order that an answer lists them.
std::vector<Task> read_tasks(const ModelInfo& info, Fields& fields) {
  const std::vector<std::string> words = task_words(fields);
  std::vector<Task> tasks;
  for (const std::string& word : words) {
    const std::optional<Task> task = task_from_string(word);
    if (word == "plugin") refuse_task(info, word);
    if (!task || *task == Task::kFillMask || std::count(tasks.begin(), tasks.end(), *task) > 0) {
      fields.wrong("task", "literal_error",
                   std::string("expected ") + kTasks + ", found '" + word.substr(0, 60) + "'");
      break;
    }
    require_task(info, *task);
    tasks.push_back(*task);
  }
  if (tasks.size() > 1 && !std::all_of(tasks.begin(), tasks.end(), joins)) {
    fields.wrong("task", "literal_error",
                 "only 'embed', 'token_embed' and 'sparse_embed' come from one forward pass");
  }
  if (tasks.empty()) tasks.push_back(default_task(info));
  require_task(info, tasks.front());
  return tasks;
}

void check_format(const NumberFormat& format, const std::vector<Task>& tasks, Fields& fields) {
  const bool sparse = std::count(tasks.begin(), tasks.end(), Task::kSparseEmbed) > 0;
  if (format.bytes() && (sparse || tasks.size() > 1)) {
    fields.wrong("encoding_format", "literal_error",
                 "bytes hold the numbers of one task that gives a vector: use 'float'");
  }
}

// {"task": "score"} takes the two sides of /score.
CallPlan pooled_scores(const Call& call) {
  CallPlan plan;
  Fields fields(call.body);
  fields.ignore({"task"});
  const Head head = read_head(call, fields, "pooling-");
  const NumberFormat format = read_format(fields);
  plan_scores(call, fields, plan);
  plan.render = [head, format](std::vector<Result> results) {
    return render(head, format, {"pooling", "data"}, {.tasks = {Task::kScore}}, std::move(results));
  };
  return plan;
}

void append_class(std::string& out, const ModelInfo& info, const Labels& result) {
  const auto best = std::max_element(result.values.begin(), result.values.end());
  const std::string label = label_of(info, best - result.values.begin());
  out += ",\"object\":\"classify\",\"label\":";
  if (label.empty()) {
    out += "null";
  } else {
    out += label_json(info, static_cast<size_t>(best - result.values.begin()));
  }
  out += ",\"probs\":";
  append_floats(out, result.values);
  out += ",\"num_classes\":" + std::to_string(result.columns) + "}";
}

// The same of labels that the request brought.
void append_class(std::string& out, const ZeroShot& question, const std::vector<double>& scores) {
  const auto best = std::max_element(scores.begin(), scores.end());
  out += ",\"object\":\"classify\",\"label\":";
  base::append_json_string(out, question.labels[static_cast<size_t>(best - scores.begin())]);
  out += ",\"probs\":";
  append_floats(out, std::vector<float>(scores.begin(), scores.end()));
  out += ",\"num_classes\":" + std::to_string(scores.size()) + "}";
}

// `candidate_labels`: one class per input, of the request's own labels.
CallPlan classify_by_labels(const Call& call, Fields& fields) {
  CallPlan plan;
  const ZeroShot question = ZeroShot::read(call.context.info, fields);
  const Head head = read_head(call, fields, "classify-");
  Inputs inputs = read_inputs(call, fields);
  Request like = read_request(call.context, fields, Classify{});
  read_special_tokens(fields, like);
  if (std::get<Classify>(like.task).use_activation == false)
    fields.wrong("use_activation", "literal_error", "labels of a request have probabilities only");
  set_requests(call, fields, std::move(inputs), like, plan);
  check_batch_size(call.context, plan.requests.size() * question.labels.size(), "candidate_labels");
  std::vector<Request> requests;
  for (const Request& one : plan.requests) {
    for (Request& request : question.requests(one)) requests.push_back(std::move(request));
  }
  plan.requests = std::move(requests);
  question.name_texts(plan.field, plan);
  plan.render = [head, question](std::vector<Result> results) {
    HttpResponse response{.content_type = std::string(kJsonType)};
    append_head(response.body, head);
    const size_t count = question.requests_each();
    for (size_t i = 0; i * count < results.size(); ++i) {
      response.body += (i ? ",{\"index\":" : "{\"index\":") + std::to_string(i);
      append_class(response.body, question,
                   question.scores(std::span(results).subspan(i * count, count)));
    }
    append_tail(response.body, total_tokens(results));
    return response;
  };
  return plan;
}

}  // namespace

CallPlan pooling(const Call& call) {
  const ModelInfo& info = call.context.info;
  CallPlan plan;
  Fields fields(call.body);
  const std::vector<Task> tasks = read_tasks(info, fields);
  if (tasks.front() == Task::kScore) return pooled_scores(call);
  const Head head = read_head(call, fields, "pooling-");
  Inputs inputs = read_inputs(call, fields);
  Request like = read_request(call.context, fields, default_parameters(tasks.front()));
  for (size_t i = 1; i < tasks.size(); ++i) like.also.push_back(default_parameters(tasks[i]));
  read_embedding(call.context, fields, like, plan);
  const NumberFormat format = read_format(fields);
  check_format(format, tasks, fields);
  set_requests(call, fields, std::move(inputs), like, plan);
  const Parts parts{.tasks = tasks, .several = tasks.size() > 1};
  plan.render = [head, format, parts](std::vector<Result> results) {
    return render(head, format, {"pooling", "data"}, parts, std::move(results));
  };
  return plan;
}

CallPlan classify(const Call& call) {
  Fields fields(call.body);
  const bool by_labels = fields.any("candidate_labels") != nullptr;
  if (!by_labels) require_route(call.context.info, Task::kClassify);
  if (!fields.any("messages") && !fields.any("input"))
    throw Failure(Cause::kInvalid, "Input or messages must be provided", "input");
  if (by_labels) return classify_by_labels(call, fields);
  CallPlan plan;
  const Head head = read_head(call, fields, "classify-");
  Inputs inputs = read_inputs(call, fields);
  Request like = read_request(call.context, fields, Classify{});
  read_special_tokens(fields, like);
  set_requests(call, fields, std::move(inputs), like, plan);
  plan.render = [head, &info = call.context.info](std::vector<Result> results) {
    HttpResponse response{.content_type = std::string(kJsonType)};
    append_head(response.body, head);
    for (size_t i = 0; i < results.size(); ++i) {
      response.body += (i ? ",{\"index\":" : "{\"index\":") + std::to_string(i);
      append_class(response.body, info, results[i].get<Labels>());
    }
    append_tail(response.body, total_tokens(results));
    return response;
  };
  return plan;
}

}  // namespace vecton::server::openai
