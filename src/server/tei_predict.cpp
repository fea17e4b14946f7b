// TEI's routes of classifiers and rerankers.
#include <algorithm>
#include <numeric>
#include <utility>

#include "base/json.h"
#include "base/json_text.h"
#include "server/render.h"
#include "server/tei.h"
#include "server/tei_fields.h"

namespace vecton::server::tei {

namespace {

// A text, or a text and its pair.
using Sequence = std::vector<std::string>;

struct Sequences {
  std::vector<Sequence> items;
  bool single = false;
};

bool read_sequence(const json::array& list, Sequence& out) {
  for (const json::value& item : list) {
    if (!item.is_string()) return false;
    out.emplace_back(item.get_string());
  }
  return out.size() == 1 || out.size() == 2;
}

// "a", ["a"], ["a", "its pair"], or a list of such lists.
Sequences read_sequences(Fields& fields) {
  Sequences sequences;
  fields.require("inputs");
  const json::value* value = fields.any("inputs");
  if (!value) return sequences;
  const auto wrong = [&](const std::string& where) {
    fields.wrong("inputs" + where, "list_type",
                 "expected a string, [text], [text, pair], or a list of [text] and [text, pair]");
  };
  if (value->is_string()) {
    sequences = {.items = {{std::string(value->get_string())}}, .single = true};
  } else if (!value->is_array()) {
    wrong("");
  } else if (const json::array& list = value->get_array(); !list.empty() && list[0].is_string()) {
    sequences = {.items = {{}}, .single = true};
    if (!read_sequence(list, sequences.items[0])) wrong("");
  } else {
    for (size_t i = 0; i < list.size() && fields.good(); ++i) {
      sequences.items.emplace_back();
      if (!list[i].is_array() || !read_sequence(list[i].get_array(), sequences.items.back()))
        wrong("." + std::to_string(i));
    }
  }
  return sequences;
}

Request sequence_request(Sequence sequence, const Request& like) {
  Request request = like;
  request.prompt.input = std::move(sequence.front());
  std::optional<std::string> second;
  if (sequence.size() == 2) second = std::move(sequence.back());
  if (auto* classes = std::get_if<Classify>(&request.task)) {
    classes->pair = std::move(second);
  } else if (second) {
    std::get<Score>(request.task).document = std::move(second);
  } else {
    throw Failure(
        Cause::kInvalid,
        "this model scores pairs: `inputs` should be [query, document], or a list of them",
        "inputs");
  }
  return request;
}

// What Hugging Face's clients send beside `inputs`.
struct Parameters {
  bool given = false;  // their answer to one text is a list of lists, as for several
  size_t top_k = 0;    // 0 = all labels
};

void read_pipeline_fields(const ModelInfo& info, Fields& fields, const std::string& prefix,
                          Request& like, Parameters& parameters) {
  const auto function = fields.choice("function_to_apply", {"sigmoid", "softmax", "none"});
  if (function == "none") {
    set_activation(false, like.task);
  } else if (function && *function != info.activation) {
    throw Failure(Cause::kInvalid,
                  "`function_to_apply` should be \"none\", or \"" + info.activation +
                      "\", which the checkpoint has",
                  prefix + "function_to_apply");
  }
  if (const auto k = fields.integer("top_k", 1)) parameters.top_k = static_cast<size_t>(*k);
}

// In an object `parameters`, or beside `inputs`.
Parameters read_parameters(const ModelInfo& info, Fields& fields, Request& like) {
  Parameters parameters;
  read_pipeline_fields(info, fields, "", like, parameters);
  const json::object* object = fields.object("parameters");
  if (!object) return parameters;
  parameters.given = true;
  Fields inner(*object, "body.parameters");
  read_pipeline_fields(info, inner, "parameters.", like, parameters);
  inner.finish_within(fields);
  return parameters;
}

// [{"score","label"}], the highest score first.
void append_prediction(std::string& out, const ModelInfo& info, const Result& result,
                       size_t top_k) {
  const std::span<const float> values = numbers_of(result.answer).values;
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return values[a] > values[b]; });
  if (top_k > 0 && top_k < order.size()) order.resize(top_k);
  out += '[';
  for (const size_t i : order) {
    if (out.back() != '[') out += ',';
    const std::string label = label_of(info, static_cast<int64_t>(i));
    out += "{\"score\":";
    append_float(out, values[i]);
    out += ",\"label\":";
    if (label.empty()) {
      base::append_json_string(out, "LABEL_" + std::to_string(i));
    } else {
      out += label_json(info, i);
    }
    out += '}';
  }
  out += ']';
}

}  // namespace

CallPlan predict(const Call& call) {
  if (Body(call.body).get().contains("candidate_labels")) return zero_shot_labels(call);
  const ModelInfo& info = call.context.info;
  if (!is_reranker(info) || info.scorer == "late-interaction") require(info, Task::kClassify);
  CallPlan plan;
  Fields fields(call.body);
  Sequences sequences = read_sequences(fields);
  Request like = read_truncation(
      call.context, fields,
      default_parameters(does(info, Task::kClassify) ? Task::kClassify : Task::kScore));
  set_activation(!fields.boolean("raw_scores").value_or(false), like.task);
  const Parameters parameters = read_parameters(info, fields, like);
  plan.ignored = fields.finish();
  if (sequences.items.empty()) refuse_empty("inputs");
  check_batch_size(call.context, sequences.items.size(), "inputs");
  plan.single = sequences.single;
  plan.field = "inputs";
  for (Sequence& sequence : sequences.items)
    plan.requests.push_back(sequence_request(std::move(sequence), like));
  const bool bare = plan.single && !parameters.given;
  plan.render = [&info, bare, top_k = parameters.top_k](std::vector<Result> results) {
    HttpResponse response{.content_type = std::string(kJsonType)};
    std::string& out = response.body;
    if (!bare) out += '[';
    for (size_t i = 0; i < results.size(); ++i) {
      if (i > 0) out += ',';
      append_prediction(out, info, results[i], top_k);
    }
    if (!bare) out += ']';
    return response;
  };
  return plan;
}

CallPlan rerank(const Call& call) {
  const ModelInfo& info = call.context.info;
  if (!is_reranker(info)) {
    throw Failure(Cause::kTask,
                  "model is not a re-ranker model. The loaded model supports: " + task_names(info));
  }
  CallPlan plan;
  Fields fields(call.body);
  fields.require("query");
  const std::string query = fields.text("query").value_or("");
  const std::vector<std::string> texts = fields.texts("texts");
  const bool raw = fields.boolean("raw_scores").value_or(false);
  const Request like = read_truncation(call.context, fields, Score{.use_activation = !raw});
  const bool asked =
      fields.boolean("return_documents").value_or(false);  // of those that know others
  const bool echo = fields.boolean("return_text").value_or(asked);
  const auto top_n = fields.integer("top_n", 0).value_or(0);
  plan.ignored = fields.finish();
  if (texts.empty()) refuse_empty("texts");
  check_batch_size(call.context, texts.size(), "texts");
  name_pairs("query", "texts", true, plan);
  plan.requests = make_pairs({query}, texts, like);
  plan.render = [echo, top_n,
                 texts = echo ? texts : std::vector<std::string>()](std::vector<Result> results) {
    HttpResponse response{.content_type = std::string(kJsonType), .body = "["};
    std::string& out = response.body;
    std::vector<size_t> order = best_first(results);
    if (top_n > 0 && static_cast<size_t>(top_n) < order.size())
      order.resize(static_cast<size_t>(top_n));
    for (const size_t i : order) {
      out += (out.size() > 1 ? ",{\"index\":" : "{\"index\":") + std::to_string(i);
      if (echo) {
        out += ",\"text\":";
        base::append_json_string(out, texts[i]);
      }
      out += ",\"score\":";
      append_float(out, results[i].get<Relevance>().score);
      out += '}';
    }
    out += ']';
    return response;
  };
  return plan;
}

}  // namespace vecton::server::tei
