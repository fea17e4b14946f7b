#include "server/tei_fields.h"

#include <utility>

namespace vecton::server::tei {

namespace {

const char* sentence(Task task) {
  switch (task) {
    case Task::kScore:
      return "model is not a re-ranker model";
    case Task::kClassify:
      return "model is not a classifier model";
    case Task::kTokenClassify:
      return "model is not a token classification model";
    case Task::kSparseEmbed:
      return "Model is not an embedding model with SPLADE pooling";
    case Task::kFillMask:
      return "model is not a masked language model";
    case Task::kEmbed:
    case Task::kTokenEmbed:
    case Task::kGenerate:
      break;
  }
  return "Model is not an embedding model";
}

}  // namespace

Body::Body(const json::object& body) : body_(body) {
  const json::value* parameters = body.if_contains("parameters");
  if (!parameters || parameters->is_null()) return;
  if (!parameters->is_object())
    throw Failure({{"body.parameters", "dict_type", "expected an object"}});
  merged_ = body;
  merged_->erase("parameters");
  for (const auto& [key, value] : parameters->get_object()) {
    if (!merged_->contains(key)) merged_->emplace(key, value);
  }
}

void refuse_empty(const std::string& field) {
  throw Failure(Cause::kEmpty, "`" + field + "` cannot be empty", field);
}

void require(const ModelInfo& info, Task task) {
  if (does(info, task)) return;
  throw Failure(Cause::kTask,
                std::string(sentence(task)) + ". The loaded model supports: " + task_names(info));
}

Request read_truncation(const Context& context, Fields& fields, TaskParameters task) {
  Request like{.task = std::move(task)};
  Truncation& truncation = like.prompt.truncation;
  if (fields.boolean("truncate").value_or(context.options.auto_truncate)) truncation.to = -1;
  const auto side = fields.choice("truncation_direction", {"Right", "Left", "right", "left"});
  truncation.side =
      side == "Left" || side == "left" ? EncodeOptions::Side::kLeft : EncodeOptions::Side::kRight;
  return like;
}

Request read_request(const Context& context, Fields& fields, TaskParameters task) {
  Request like = read_truncation(context, fields, std::move(task));
  if (const auto name = fields.text("prompt_name")) set_prompt(context.info, *name, like.prompt);
  return like;
}

void set_requests(const Call& call, Inputs inputs, const Request& like, CallPlan& plan) {
  if (inputs.items.empty()) refuse_empty("inputs");
  plan.single = inputs.single;
  plan.field = "inputs";
  plan.requests = make_requests(call.context, std::move(inputs), like, plan.field);
}

}  // namespace vecton::server::tei
