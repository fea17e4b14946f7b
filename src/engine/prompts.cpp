#include "engine/prompts.h"

#include <algorithm>

#include "base/ascii.h"

namespace vecton::engine {

namespace {

constexpr std::string_view kQueryWords[] = {"query", "search_query", "retrieval_query"};
constexpr std::string_view kDocumentWords[] = {"document", "passage", "corpus", "search_document",
                                               "retrieval_document"};
// What clients say of texts that are neither.
constexpr std::string_view kOtherWords[] = {
    "classification",     "clustering",        "separation",
    "text-matching",      "text_matching",     "semantic_similarity",
    "question_answering", "fact_verification", "code_retrieval_query"};

bool is_one_of(std::string_view word, std::span<const std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

bool has_prompts(const ModelInfo& model) {
  return std::ranges::any_of(model.prompts,
                             [](const auto& prompt) { return !prompt.second.empty(); });
}

}  // namespace

Role role_named(std::string_view name) {
  std::string word = base::ascii_lower(name);
  if (const size_t dot = word.rfind('.'); dot != std::string::npos)
    word.erase(0, dot + 1);  // "code.query"
  if (is_one_of(word, kQueryWords)) return Role::kQuery;
  return is_one_of(word, kDocumentWords) ? Role::kDocument : Role::kNone;
}

std::optional<ChosenPrompt> find_prompt(const ModelInfo& model, std::string_view name) {
  const auto choose = [&](const auto& fits) -> std::optional<ChosenPrompt> {
    const auto found = std::ranges::find_if(model.prompts, fits);
    if (found == model.prompts.end()) return std::nullopt;
    return ChosenPrompt{.prompt_name = found->first};
  };
  if (const auto same = choose([&](const auto& prompt) { return prompt.first == name; }))
    return same;
  const std::string word = base::ascii_lower(name);
  if (const auto alike =
          choose([&](const auto& prompt) { return base::ascii_lower(prompt.first) == word; }))
    return alike;
  const Role role = role_named(name);
  if (role == Role::kNone) return std::nullopt;
  if (model.scorer == "late-interaction") return ChosenPrompt{.role = role};
  const auto of_role = choose([&](const auto& prompt) { return role_named(prompt.first) == role; });
  if (of_role || !model.roles) return of_role;
  return ChosenPrompt{.role = role};
}

std::optional<ChosenPrompt> find_task_prompt(const ModelInfo& model, std::string_view word) {
  if (const auto found = find_prompt(model, word)) return found;
  const Role role = role_named(word);
  if (role == Role::kNone && !is_one_of(base::ascii_lower(word), kOtherWords)) return std::nullopt;
  if (has_prompts(model) && role != Role::kDocument) return std::nullopt;
  return ChosenPrompt{.ignored = true};
}

}  // namespace vecton::engine
