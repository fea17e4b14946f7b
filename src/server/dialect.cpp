#include "server/dialect.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/utf8.h"
#include "engine/prompts.h"
#include "server/foreign_ids.h"

namespace vecton::server {

namespace {

// What the body calls a field of the engine that is no text.
std::string name_in_body(const CallPlan& plan, const std::string& field) {
  const auto it = std::ranges::find(plan.names, field, &std::pair<std::string, std::string>::first);
  return it == plan.names.end() ? field : it->second;
}

// Where the body has the text, or the images beside it, that the engine's `field` of request i
// holds: "documents[3]"; for other fields where it has the request's text.
std::string place_in_body(const CallPlan& plan, const std::string& field, size_t i) {
  const bool second = field == "document" || field == "document_images" || field == "pair";
  const std::string& name = second && !plan.second_field.empty() ? plan.second_field : plan.field;
  return plan.name_of ? plan.name_of(name, i) : name + "[" + std::to_string(i) + "]";
}

bool is_text(const std::string& field) {
  constexpr std::string_view kTexts[] = {"input", "images", "document", "document_images", "pair"};
  return std::ranges::count(kTexts, field) > 0;
}

std::string quoted(const std::string& text) { return "\"" + text.substr(0, 200) + "\""; }

std::string prompt_names(const ModelInfo& info) {
  std::string names;
  for (const auto& [name, prompt] : info.prompts)
    names += (names.empty() ? "" : ", ") + quoted(name);
  if (info.scorer == "late-interaction") {
    for (const char* role : {"query", "document"}) {
      if (names.find(quoted(role)) == std::string::npos)
        names += (names.empty() ? "" : ", ") + quoted(role);
    }
  }
  return names;
}

}  // namespace

void check_batch_size(const Context& context, size_t count, const std::string& field) {
  const int64_t most = context.options.max_client_batch_size;
  if (static_cast<int64_t>(count) <= most) return;
  throw Failure(Cause::kBatchSize,
                "batch size " + std::to_string(count) + " > maximum allowed batch size " +
                    std::to_string(most),
                field);
}

Error in_words_of(const CallPlan& plan, const Error& error) {
  std::string_view rest = error.what();
  size_t index = 0;
  bool placed = rest.starts_with("input[");
  if (placed) {
    const auto end = std::from_chars(rest.data() + 6, rest.data() + rest.size(), index);
    const std::string_view after = rest.substr(static_cast<size_t>(end.ptr - rest.data()));
    placed = end.ec == std::errc() && after.starts_with("]: ");
    if (placed) rest = after.substr(3);
  }
  const std::string place = place_in_body(plan, error.field(), index);
  const std::string before = placed ? place + ": " : "";
  if (is_text(error.field()))
    return {error.code(), before + std::string(rest), place.substr(0, place.find('['))};
  const std::string field = name_in_body(plan, error.field());
  std::string message(rest);
  if (rest.starts_with(error.field() + ": ") || rest.starts_with(error.field() + "["))
    message.replace(0, error.field().size(), field);
  // Of a structure the engine says what is wrong in it ("regex: ..."), not which field has it.
  if (error.field() == "structured_outputs") message.insert(0, field + ": ");
  return {error.code(), before + message, field};
}

std::vector<Request> make_requests(const Context& context, Inputs inputs, const Request& like,
                                   const std::string& field) {
  check_batch_size(context, inputs.items.size(), field);
  std::vector<Request> requests(inputs.items.size(), like);
  for (size_t i = 0; i < requests.size(); ++i) {
    if (context.options.reject_token_ids && inputs.items[i].index() == 1) {
      throw Failure(Cause::kInvalid,
                    std::string("this server does not take token ids: ") + kSendText, field);
    }
    requests[i].prompt.input = std::move(inputs.items[i]);
    if (!inputs.images.empty()) requests[i].prompt.images = std::move(inputs.images[i]);
  }
  return requests;
}

std::vector<Request> make_pairs(const std::vector<std::string>& queries,
                                const std::vector<std::string>& documents, const Request& like) {
  std::vector<Request> requests(documents.size(), like);
  for (size_t i = 0; i < requests.size(); ++i) {
    requests[i].prompt.input = queries.size() == 1 ? queries.front() : queries[i];
    std::get<Score>(requests[i].task).document = documents[i];
  }
  return requests;
}

void name_pairs(const std::string& first, const std::string& second, bool one, CallPlan& plan) {
  plan.field = first;
  plan.second_field = second;
  if (!one) return;
  plan.name_of = [first](const std::string& field, size_t i) {
    return field == first ? first : field + "[" + std::to_string(i) + "]";
  };
}

void set_activation(std::optional<bool> activation, TaskParameters& task) {
  const auto set = [&](auto& parameters) {
    if constexpr (requires { parameters.normalize; }) parameters.normalize = activation;
    if constexpr (requires { parameters.use_activation; }) parameters.use_activation = activation;
  };
  std::visit(set, task);
}

std::string task_names(const ModelInfo& info) {
  std::string names;
  for (const Task task : {Task::kEmbed, Task::kTokenEmbed, Task::kSparseEmbed, Task::kClassify,
                          Task::kTokenClassify, Task::kScore, Task::kFillMask, Task::kGenerate}) {
    if (does(info, task)) names += (names.empty() ? "" : ", ") + std::string(to_string(task));
  }
  return names;
}

bool does(const ModelInfo& info, Task task) {
  if (task == Task::kScore && !info.scorer.empty()) return true;
  return std::find(info.tasks.begin(), info.tasks.end(), task) != info.tasks.end();
}

bool is_reranker(const ModelInfo& info) {
  return does(info, Task::kScore) && info.scorer != "bi-encoder";
}

std::string label_of(const ModelInfo& info, int64_t id) {
  return id >= 0 && id < static_cast<int64_t>(info.labels.size())
             ? info.labels[static_cast<size_t>(id)]
             : "";
}

Task default_task(const ModelInfo& info) {
  const auto reads_a_text = [](Task task) {
    return task != Task::kScore && task != Task::kFillMask && task != Task::kGenerate;
  };
  const auto found = std::find_if(info.tasks.begin(), info.tasks.end(), reads_a_text);
  return found == info.tasks.end() ? Task::kEmbed : *found;
}

void require_task(const ModelInfo& info, Task task) {
  if (!does(info, task)) refuse_task(info, to_string(task));
}

namespace {

// Why the model does not do `task`.
std::string unsupported(const ModelInfo& info, const std::string& task) {
  std::string message = (task == "plugin" ? "No IOProcessor plugin installed."
                                          : "Unsupported task: '" + task + "'.") +
                        std::string(" The loaded model supports: ") + task_names(info) + ".";
  const bool sequence = task == "classify", token = task == "token_classify";
  if ((sequence && does(info, Task::kTokenClassify)) || (token && does(info, Task::kClassify))) {
    message += std::string(" Switch the pooling_task: ask /pooling for the task '") +
               (sequence ? "token_classify" : "classify") + "'.";
  }
  if ((task == "embed" || task == "token_embed") && !does(info, Task::kEmbed))
    message += " Served with --convert embed it gives the embeddings of its backbone.";
  return message;
}

}  // namespace

void refuse_task(const ModelInfo& info, const std::string& task) {
  throw Failure(Cause::kTask, unsupported(info, task), "task");
}

void require_route(const ModelInfo& info, Task task) {
  if (!does(info, task)) throw Failure(Cause::kRoute, unsupported(info, to_string(task)));
}

namespace {

void choose(const engine::ChosenPrompt& chosen, Prompt& prompt) {
  prompt.prompt_text.reset();
  prompt.prompt_name = chosen.prompt_name;
  prompt.role = chosen.role;
}

[[noreturn]] void refuse_prompt(const ModelInfo& info, const std::string& name,
                                const std::string& field) {
  const std::string names = prompt_names(info);
  throw Failure(Cause::kInvalid,
                "Unsupported " + field + ": " + quoted(name) +
                    " is not one of the model's prompts: " +
                    (names.empty() ? "it has none, leave the field out" : "it has " + names),
                field);
}

}  // namespace

void set_prompt(const ModelInfo& info, const std::string& name, Prompt& prompt) {
  const auto chosen = engine::find_prompt(info, name);
  if (!chosen) refuse_prompt(info, name, "prompt_name");
  choose(*chosen, prompt);
}

void set_task_prompt(const ModelInfo& info, const std::string& word, const std::string& field,
                     Prompt& prompt, std::vector<std::string>& warnings) {
  const auto chosen = engine::find_task_prompt(info, word);
  if (!chosen) refuse_prompt(info, word, field);
  if (chosen->ignored) {
    warnings.push_back(field + " " + quoted(word) +
                       " changes nothing: the model has no prompt for it");
  }
  choose(*chosen, prompt);
}

bool cut_text(const Tokenizer& tokenizer, std::string& text, int64_t most) {
  if (most <= 0) return false;
  const Encoding encoding =
      tokenizer.encode(text, {.add_special_tokens = false,
                              .truncation = EncodeOptions::Truncation::kLongestFirst,
                              .max_length = most,
                              .truncation_side = EncodeOptions::Side::kRight,
                              .offsets = true});
  if (encoding.truncated == 0) return false;
  size_t end = encoding.offsets.back().second;
  // A token may end inside a character.
  text.resize(utf8::boundary(text, end));
  return true;
}

std::vector<size_t> best_first(const std::vector<Result>& scores) {
  for (const Result& score : scores) {
    if (!std::isfinite(score.get<Relevance>().logit))
      throw Failure(Cause::kInternal, "the model gave a score that is not finite");
  }
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return scores[a].get<Relevance>().logit > scores[b].get<Relevance>().logit;
  });
  return order;
}

int64_t total_tokens(const std::vector<Result>& results) {
  int64_t tokens = 0;
  for (const Result& result : results) tokens += result.usage.prompt_tokens;
  return tokens;
}

std::string shown_name(const Context& context) {
  return shown_name(context.names, context.options.engine.model, context.public_name);
}

std::string shown_name(const std::vector<std::string>& names, const std::string& model,
                       const std::string& public_name) {
  return names.front() == model && !public_name.empty() ? public_name : names.front();
}

}  // namespace vecton::server
