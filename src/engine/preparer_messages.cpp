// Texts as messages: checkpoints whose texts go through their chat template.
#include <algorithm>
#include <utility>

#include "base/json.h"
#include "engine/preparer.h"
#include "vecton/error.h"

namespace vecton::engine {

namespace {

// The roles of a pair, which templates of rerankers know.
constexpr const char* kQuery = "query";
constexpr const char* kDocument = "document";

json::object message(const char* role, const std::string& text, bool structured) {
  if (!structured) return {{"role", role}, {"content", text}};
  return {{"role", role}, {"content", json::array{{{"type", "text"}, {"text", text}}}}};
}

}  // namespace

std::string Preparer::render(const std::string& prompt, const std::string& text,
                             const std::string* pair, Role role) const {
  const checkpoint::MessageFormat& format = *plan_.pipeline.input.messages;
  json::array messages;
  if (!prompt.empty()) messages.push_back(message("system", prompt, format.structured));
  messages.push_back(message(pair ? kQuery : "user", text, format.structured));
  if (pair) messages.push_back(message(kDocument, *pair, format.structured));
  json::object variables;
  if (role != Role::kNone) variables["task"] = role == Role::kQuery ? kQuery : kDocument;
  const json::value own = format.variables.empty() ? json::object() : json::parse(format.variables);
  for (const auto& [key, value] : own.get_object()) variables[key] = value;
  ChatInput input{.messages = json::serialize(messages)};
  input.variables = json::serialize(variables);
  input.add_generation_prompt = format.add_generation_prompt;
  return templates_->render(input);
}

// A template that knows no roles query and document writes a prompt without either.
void Preparer::check_template() const {
  const std::string folder = plan_.pipeline.input.folder.string();
  if (templates_->empty()) {
    throw Error(
        ErrorCode::kCorrupt,
        folder + ": its texts are messages (modality_config), and there is no chat template");
  }
  if (!plan_.pipeline.gives_scores()) return;
  const std::string zero = "0", one = "1", two = "2";
  const std::string base = render("", zero, &one, Role::kNone);
  const bool same =
      render("", two, &one, Role::kNone) == base || render("", zero, &two, Role::kNone) == base;
  if (!same) return;
  throw Error(ErrorCode::kUnsupported,
              folder +
                  ": its pairs are messages of the roles query and document "
                  "(modality_config), and its chat template does not write both");
}

// The tokens that the template puts after every text: what two renderings of other texts end with
// alike.
std::vector<int32_t> Preparer::template_end(const std::string& prompt, bool of_pair,
                                            Role role) const {
  const auto ids = [&](const std::string& text) {
    return encode(render(prompt, text, of_pair ? &text : nullptr, role),
                  {.add_special_tokens = false})
        .ids;
  };
  const std::vector<int32_t> one = ids("0"), other = ids("1 2 3 4");
  const auto from = std::mismatch(one.rbegin(), one.rend(), other.rbegin(), other.rend());
  return {from.first.base(), one.end()};
}

void Preparer::set_messages(const Request& request, const std::string& text,
                            Sequence& sequence) const {
  const Role role = role_of(request);
  const auto* score = std::get_if<Score>(&request.task);
  const std::string prompt = score && score->instruction ? *score->instruction : prompt_of(request);
  const std::string* pair = second_text(request);
  const std::string rendered = render(prompt, text, pair, role);
  const auto by_token_of = [](const TaskParameters& task) {
    return task_of(task) == Task::kTokenEmbed;
  };
  const bool by_token = by_token_of(request.task) || std::ranges::any_of(request.also, by_token_of);
  EncodeOptions options{.add_special_tokens = false, .offsets = by_token};
  if (request.prompt.truncation.to) {
    options.truncation = EncodeOptions::Truncation::kLongestFirst;
    options.truncation_side = request.prompt.truncation.side;
    options.max_length = max_tokens(request, max_model_len(request));
  }
  take(encode(rendered, options), by_token, sequence);
  if (sequence.truncated && plan_.pipeline.input.messages->restore_suffix) {
    const std::vector<int32_t> end = template_end(prompt, pair != nullptr, role);
    const auto kept = std::min(end.size(), sequence.ids.size());
    std::copy(end.end() - static_cast<std::ptrdiff_t>(kept), end.end(),
              sequence.ids.end() - static_cast<std::ptrdiff_t>(kept));
  }
  // Places are those of the text inside of what the template makes of it.
  const size_t found = rendered.find(text);
  for (TokenInfo& token : sequence.tokens_info) {
    const auto begin = static_cast<int64_t>(found), end = begin + static_cast<int64_t>(text.size());
    const bool inside = found != std::string::npos && token.begin >= begin && token.end <= end;
    token = inside ? TokenInfo{token.id, token.begin - begin, token.end - begin, false}
                   : TokenInfo{token.id, 0, 0, true};
  }
  if (plan_.late_interaction) set_answered(role, sequence);
}

}  // namespace vecton::engine
