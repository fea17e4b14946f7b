#include "server/zero_shot.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/ascii.h"
#include "base/json.h"
#include "base/json_text.h"
#include "server/images.h"
#include "server/render.h"
#include "server/tei.h"
#include "server/tei_fields.h"

namespace vecton::server {

namespace {

constexpr std::string_view kPlace = "{}";  // of the label in a template

// A list, or names with commas between them.
std::vector<std::string> read_labels(Fields& fields) {
  const json::value* value = fields.any("candidate_labels");
  if (!value || !value->is_string()) return fields.texts("candidate_labels");
  std::vector<std::string> labels;
  std::string rest(value->get_string());
  for (size_t comma = 0; comma != std::string::npos;) {
    comma = rest.find(',');
    const std::string label(base::trimmed(std::string_view(rest).substr(0, comma), " "));
    if (!label.empty()) labels.push_back(label);
    rest.erase(0, comma == std::string::npos ? comma : comma + 1);
  }
  return labels;
}

// The label that begins so, in any case; none = labels.size().
size_t label_that_begins(const ModelInfo& info, std::string_view begin) {
  const auto fits = [&](const std::string& label) {
    return label.size() >= begin.size() &&
           std::equal(begin.begin(), begin.end(), label.begin(), [](char a, char b) {
             return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b);
           });
  };
  return static_cast<size_t>(std::find_if(info.labels.begin(), info.labels.end(), fits) -
                             info.labels.begin());
}

void require_inference_model(const ModelInfo& info, ZeroShot& question) {
  const size_t count = info.labels.size();
  question.entailment = label_that_begins(info, "entail");
  if (!does(info, Task::kClassify) || count < 2 || question.entailment == count) {
    throw Failure(Cause::kTask,
                  "candidate_labels are for models of natural language inference, which have a "
                  "label \"entailment\"; the loaded model has none. It supports: " +
                      task_names(info),
                  "candidate_labels");
  }
  question.contradiction = question.entailment == 0 ? count - 1 : 0;  // as the pipeline has it
}

std::vector<double> softmax(const std::vector<double>& logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> out;
  for (const double logit : logits) out.push_back(std::exp(logit - largest));
  const double total = std::accumulate(out.begin(), out.end(), 0.0);
  for (double& x : out) x /= total;
  return out;
}

std::string hypothesis_of(const ZeroShot& question, const std::string& label) {
  std::string hypothesis = question.hypothesis;
  return hypothesis.replace(hypothesis.find(kPlace), kPlace.size(), label);
}

}  // namespace

bool compares_images(const ModelInfo& info) {
  return info.images && info.image_placeholder.empty() && does(info, Task::kEmbed);
}

ZeroShot ZeroShot::read(const ModelInfo& info, Fields& fields) {
  ZeroShot question{.labels = {}, .hypothesis = {}, .of_images = compares_images(info)};
  const bool of_images = question.of_images;
  if (!of_images) require_inference_model(info, question);
  question.labels = read_labels(fields);
  question.hypothesis = fields.text("hypothesis_template")
                            .value_or(of_images ? "This is a photo of {}." : "This example is {}.");
  if (!of_images) question.multi_label = fields.boolean("multi_label").value_or(false);
  const size_t place = question.hypothesis.find(kPlace);
  if (place == std::string::npos ||
      question.hypothesis.find(kPlace, place + 1) != std::string::npos) {
    fields.wrong("hypothesis_template", "value_error",
                 "expected a text with one {}, where the label goes");
  }
  if (question.labels.empty() && fields.good())
    fields.wrong("candidate_labels", "too_short", "expected at least one label");
  return question;
}

std::vector<Request> ZeroShot::requests(const Request& one) const {
  std::vector<Request> made(requests_each(), one);
  Classify of_image;
  for (size_t i = 0; i < labels.size(); ++i) {
    std::string text = hypothesis_of(*this, labels[i]);
    if (of_images) {
      of_image.candidates.push_back(std::move(text));
    } else {
      made[i].task = Classify{.pair = std::move(text), .use_activation = false};
    }
  }
  if (of_images) made.front().task = std::move(of_image);
  return made;
}

void ZeroShot::name_texts(const std::string& field, CallPlan& plan) const {
  const std::string labels_field = "candidate_labels";
  plan.field = field;
  plan.second_field = labels_field;
  plan.names.emplace_back("candidates", labels_field);
  plan.name_of = [labels_field, each = requests_each()](const std::string& name, size_t i) {
    return name + "[" + std::to_string(name == labels_field ? i % each : i / each) + "]";
  };
}

std::vector<double> ZeroShot::scores(std::span<const Result> results) const {
  if (of_images) {
    const std::vector<float>& values = results.front().get<Labels>().values;
    return {values.begin(), values.end()};
  }
  std::vector<double> entailed, scores;
  for (const Result& result : results) {
    const double entail = result.get<Labels>().values.at(entailment);
    entailed.push_back(entail);
    scores.push_back(softmax({result.get<Labels>().values.at(contradiction), entail})[1]);
  }
  return multi_label || labels.size() == 1 ? scores : softmax(entailed);
}

namespace tei {

namespace {

std::vector<size_t> order_of(const std::vector<double>& scores) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  return order;
}

// [{"label","score"}], best first, as Hugging Face's clients read it.
void append_list(std::string& out, const ZeroShot& question, const std::vector<double>& scores) {
  out += '[';
  for (const size_t i : order_of(scores)) {
    out += out.back() == '[' ? "{\"label\":" : ",{\"label\":";
    base::append_json_string(out, question.labels[i]);
    out += ",\"score\":";
    append_float(out, scores[i]);
    out += '}';
  }
  out += ']';
}

// {"sequence","labels","scores"}, as the pipeline gives it.
void append_object(std::string& out, const ZeroShot& question, const std::vector<double>& scores,
                   const std::string& text) {
  out += "{\"sequence\":";
  base::append_json_string(out, text);
  std::string labels, numbers;
  for (const size_t i : order_of(scores)) {
    if (!labels.empty()) labels += ',';
    if (!numbers.empty()) numbers += ',';
    base::append_json_string(labels, question.labels[i]);
    append_float(numbers, scores[i]);
  }
  out += ",\"labels\":[" + labels + "],\"scores\":[" + numbers + "]}";
}

CallPlan plan_labels(const Call& call, bool objects) {
  const Body body(call.body);
  CallPlan plan;
  Fields fields(body.get());
  const ZeroShot question = ZeroShot::read(call.context.info, fields);
  const Inputs inputs = fields.inputs("inputs", false, false);
  const Request like = read_truncation(call.context, fields, Classify{});
  plan.ignored = fields.finish();
  if (inputs.items.empty()) refuse_empty("inputs");
  check_batch_size(call.context, inputs.items.size() * question.labels.size(), "candidate_labels");
  plan.single = inputs.single;
  question.name_texts("inputs", plan);
  std::vector<std::string> texts;
  for (const Input& input : inputs.items) {
    texts.push_back(std::get<std::string>(input));
    Request one = like;
    if (question.of_images) {
      one.prompt.images = {image_of("inputs", texts.back())};
    } else {
      one.prompt.input = texts.back();
    }
    for (Request& request : question.requests(one)) plan.requests.push_back(std::move(request));
  }
  if (question.of_images) {
    objects = false;
    texts.assign(texts.size(), "");  // pictures are not kept for the answer
  }
  plan.render = [question, texts, objects, single = plan.single](std::vector<Result> results) {
    HttpResponse response{.content_type = std::string(kJsonType)};
    std::string& out = response.body;
    if (!single) out += '[';
    const size_t count = question.requests_each();
    for (size_t i = 0; i < texts.size(); ++i) {
      if (i > 0) out += ',';
      const std::vector<double> scores =
          question.scores(std::span(results).subspan(i * count, count));
      objects ? append_object(out, question, scores, texts[i]) : append_list(out, question, scores);
    }
    if (!single) out += ']';
    return response;
  };
  return plan;
}

}  // namespace

CallPlan zero_shot_classification(const Call& call) { return plan_labels(call, true); }
CallPlan zero_shot_labels(const Call& call) { return plan_labels(call, false); }

}  // namespace tei

}  // namespace vecton::server
