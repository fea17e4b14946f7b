#include "engine/matryoshka.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/ascii.h"

namespace vecton::engine {

namespace {

// The model's own names, without its owner's: as it was given, of its folder, whatever link or
// relative path led there, and of a snapshot in a hub cache (models--owner--name/snapshots/commit).
std::vector<std::string> names_of(const Plan& plan) {
  std::vector<std::string> names;
  std::string given = plan.name;
  while (given.ends_with('/')) given.pop_back();
  names.push_back(base::ascii_lower(std::filesystem::path(given).filename().string()));
  std::error_code ignored;  // a folder that can't be looked at has no name but the given one
  const auto folder = std::filesystem::weakly_canonical(plan.folder, ignored);
  names.push_back(base::ascii_lower(folder.filename().string()));
  for (const std::filesystem::path& part : folder) {
    const std::string text = part.string();
    if (text.starts_with("models--"))
      names.push_back(base::ascii_lower(text.substr(text.rfind("--") + 2)));
  }
  return names;
}

const models::MatryoshkaCard* card_of(const Plan& plan) {
  const std::vector<std::string> names = names_of(plan);
  const auto& cards = plan.family->matryoshka;
  const auto found = std::ranges::find_if(cards, [&](const models::MatryoshkaCard& card) {
    return std::ranges::any_of(
        names, [&](const std::string& name) { return name.starts_with(card.name); });
  });
  return found == cards.end() ? nullptr : found;
}

}  // namespace

void decide_matryoshka(Plan& plan) {
  plan.matryoshka_dimensions = plan.config.integers_or_empty("matryoshka_dimensions");
  const bool listed = !plan.matryoshka_dimensions.empty();
  plan.matryoshka = plan.config.boolean_or("is_matryoshka", listed);
  if (listed || plan.config.has("is_matryoshka")) return;
  const models::MatryoshkaCard* card = card_of(plan);
  if (!card) return;
  plan.matryoshka = true;
  plan.matryoshka_least = card->least;
  if (card->sizes.empty()) return;
  plan.matryoshka_dimensions = {plan.embedding_size};
  for (const int64_t size : card->sizes) {
    if (size < plan.embedding_size) plan.matryoshka_dimensions.push_back(size);
  }
}

std::optional<std::string> refusal_of_dimensions(const Plan& plan, int64_t size, bool any_model) {
  if (!plan.matryoshka && !any_model) {
    return "Model \"" + plan.name +
           "\" does not support matryoshka representation, changing output dimensions will lead to "
           "poor results. If it was trained for it, say so with --hf-overrides "
           "'{\"is_matryoshka\":true}'";
  }
  const int64_t least = any_model ? 1 : plan.matryoshka_least;
  if (size < least || size > plan.full_embedding_size) {
    return "dimensions should be from " + std::to_string(least) + " to " +
           std::to_string(plan.full_embedding_size) + ", the size of the model's embeddings";
  }
  const std::vector<int64_t>& allowed = plan.matryoshka_dimensions;
  if (any_model || allowed.empty() || std::ranges::count(allowed, size) > 0) return std::nullopt;
  std::string list;
  for (const int64_t each : allowed) list += (list.empty() ? "" : ", ") + std::to_string(each);
  return "dimensions " + std::to_string(size) +
         " is not one that the model was trained for: " + list;
}

}  // namespace vecton::engine
