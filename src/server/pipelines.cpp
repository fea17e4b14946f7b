// Transformers' pipelines as inference servers offer them: fill-mask and token-classification.
// Their options stand in the body, or in its object `parameters`.
#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/json_text.h"
#include "base/utf8.h"
#include "server/render.h"
#include "server/tei.h"
#include "server/tei_fields.h"
#include "vecton/vecton.h"

namespace vecton::server::tei {

namespace {

// The object `parameters`, or `none`.
const json::object& parameters_of(Fields& fields, const json::object& none) {
  const json::object* object = fields.object("parameters");
  return object ? *object : none;
}

void read_mask_options(Fields& fields, FillMask& task) {
  if (const auto k = fields.integer("top_k", 1)) task.top_k = *k;
  if (!fields.any("targets")) return;
  task.targets = fields.any("targets")->is_string()
                     ? std::vector<std::string>{fields.text("targets").value_or("")}
                     : fields.texts("targets");
}

void append_fillings(std::string& out, const std::vector<Filling>& fillings) {
  out += '[';
  for (const Filling& filling : fillings) {
    if (out.back() != '[') out += ',';
    out += "{\"score\":";
    append_float(out, filling.score);
    out += ",\"token\":" + std::to_string(filling.token) + ",\"token_str\":";
    base::append_json_string(out, filling.text);
    out += ",\"sequence\":";
    base::append_json_string(out, filling.sequence);
    out += '}';
  }
  out += ']';
}

// One list for a text with one mask, a list of lists for one with several.
void append_masks(std::string& out, const std::vector<std::vector<Filling>>& masks) {
  if (masks.size() == 1) return append_fillings(out, masks.front());
  out += '[';
  for (const std::vector<Filling>& fillings : masks) {
    if (out.back() != '[') out += ',';
    append_fillings(out, fillings);
  }
  out += ']';
}

void append_entities(std::string& out, const ModelInfo& info, const std::vector<Entity>& entities,
                     bool joined, std::string_view text) {
  const auto at = [&](int64_t byte) {
    return std::to_string(utf8::count(text.substr(0, static_cast<size_t>(byte))));
  };
  out += '[';
  for (const Entity& entity : entities) {
    if (out.back() != '[') out += ',';
    out += joined ? "{\"entity_group\":" : "{\"entity\":";
    out += label_json(info, entity);
    out += ",\"score\":";
    append_float(out, entity.score);
    out += ",\"word\":";
    base::append_json_string(out, entity.text);
    out += ",\"start\":" + at(entity.begin) + ",\"end\":" + at(entity.end) + "}";
  }
  out += ']';
}

Aggregation read_aggregation(Fields& fields, Fields& parameters) {
  Aggregation aggregation = Aggregation::kSimple;
  for (Fields* place : {&fields, &parameters}) {
    const auto word =
        place->choice("aggregation_strategy", {"none", "simple", "first", "average", "max"});
    if (word) aggregation = aggregation_from_string(*word).value_or(aggregation);
  }
  return aggregation;
}

}  // namespace

CallPlan fill_mask(const Call& call) {
  require(call.context.info, Task::kFillMask);
  CallPlan plan;
  Fields fields(call.body);
  const json::object none;
  Fields parameters(parameters_of(fields, none), "body.parameters");
  Inputs inputs = fields.inputs("inputs", true);
  FillMask task;
  read_mask_options(fields, task);
  read_mask_options(parameters, task);
  const Request like = read_truncation(call.context, fields, task);
  parameters.finish_within(fields);
  plan.ignored = fields.finish();
  for (const MaskTarget& target : find_targets(task.targets, call.context.tokenizer)) {
    constexpr size_t kMost = 3, kLongest = 200;  // warnings go into a header
    if (!target.exact && plan.warnings.size() < kMost)
      plan.warnings.push_back(target.note(call.context.tokenizer).substr(0, kLongest));
  }
  set_requests(call, std::move(inputs), like, plan);
  plan.render = [single = plan.single,
                 &tokenizer = call.context.tokenizer](std::vector<Result> results) {
    HttpResponse response{.content_type = std::string(kJsonType)};
    std::string& out = response.body;
    if (!single) out += '[';
    for (size_t i = 0; i < results.size(); ++i) {
      if (i > 0) out += ',';
      append_masks(out, find_fillings(results[i].get<Fillings>(), tokenizer));
    }
    if (!single) out += ']';
    return response;
  };
  return plan;
}

CallPlan token_classify(const Call& call) {
  require(call.context.info, Task::kTokenClassify);
  if (call.context.info.labels.empty() || does(call.context.info, Task::kClassify)) {
    throw Failure(Cause::kTask,
                  "model is not a token classification model: it has no labels for tokens");
  }
  CallPlan plan;
  Fields fields(call.body);
  const json::object none;
  Fields parameters(parameters_of(fields, none), "body.parameters");
  Inputs inputs = fields.inputs("inputs", false, false);
  const Request like = read_truncation(call.context, fields, TokenClassify{.use_activation = true});
  const Aggregation aggregation = read_aggregation(fields, parameters);
  parameters.finish_within(fields);
  plan.ignored = fields.finish();
  set_requests(call, std::move(inputs), like, plan);
  std::vector<std::string> texts;
  for (const Request& request : plan.requests)
    texts.push_back(std::get<std::string>(request.prompt.input));
  plan.render = [texts, aggregation, single = plan.single,
                 &context = call.context](std::vector<Result> results) {
    HttpResponse response{.content_type = std::string(kJsonType)};
    std::string& out = response.body;
    if (!single) out += '[';
    for (size_t i = 0; i < results.size(); ++i) {
      if (i > 0) out += ',';
      append_entities(out, context.info,
                      find_entities(results[i].get<Labels>(), texts[i], context.tokenizer,
                                    context.info.labels, aggregation),
                      aggregation != Aggregation::kNone, texts[i]);
    }
    if (!single) out += ']';
    return response;
  };
  return plan;
}

}  // namespace vecton::server::tei
