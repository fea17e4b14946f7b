#include "engine/matryoshka.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace vecton {

namespace {

// What a model card says. `sizes` are those that it was trained for, beside the full one; none =
// any from `least` on.
struct Card {
  std::string_view family;
  std::string_view name;  // what the model's own name begins with, in lower case
  std::vector<int64_t> sizes;
  int64_t least = 1;
};

const std::vector<Card>& cards() {
  static const std::vector<Card> kCards = {
      // "Supports user-defined output dimensions ranging from 32".
      {"qwen3", "qwen3-embedding", {}, 32},
      {"gemma3_text", "embeddinggemma", {512, 256, 128}},
      {"gemma3_text", "kalm-embedding-gemma3", {2048, 1024, 512, 256, 128, 64}},
      {"qwen2", "kalm-embedding-multilingual-mini-instruct-v2", {512, 256, 128, 64}},
      {"nomic_bert", "nomic-embed-text-v1.5", {512, 256, 128, 64}},
      {"modernbert", "modernbert-embed", {256}},
      // v1 and the sizes xs, s and l of 1.0 were not trained for it.
      {"bert", "snowflake-arctic-embed-m-v1.5", {256}},
      {"gte", "snowflake-arctic-embed-m-v2.0", {256}},
      {"roberta", "snowflake-arctic-embed-l-v2.0", {256}},
      {"roberta", "jina-embeddings-v3", {768, 512, 256, 128, 64, 32}},
      {"qwen3", "jina-embeddings-v5-text", {768, 512, 256, 128, 64, 32}},
      {"eurobert", "jina-embeddings-v5-text", {512, 256, 128, 64, 32}},
      {"bert", "mxbai-embed-large", {}},
      {"bert", "mxbai-embed-2d-large", {}},
      {"bert", "mxbai-embed-xsmall", {}},
      {"roberta", "deepset-mxbai-embed-de-large", {}},
      // "Elastic dense embedding": from 128.
      {"gte", "gte-multilingual-base", {}, 128},
      {"llama_bidirec", "llama-nemotron-embed-1b-v2", {1024, 768, 512, 384}},
      {"llama_bidirec", "llama-3.2-nv-embedqa-1b-v2", {1024, 768, 512, 384}},
      {"static_embedding", "static-retrieval-mrl", {}, 32},
      {"static_embedding", "static-similarity-mrl", {}, 32},
  };
  return kCards;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

// The model's own names, without its owner's: as it was given, and of a snapshot in a hub cache
// (models--owner--name/snapshots/commit).
std::vector<std::string> names_of(const Plan& plan) {
  std::vector<std::string> names;
  std::string given = plan.name;
  while (given.ends_with('/')) given.pop_back();
  names.push_back(lower(std::filesystem::path(given).filename().string()));
  for (const std::filesystem::path& part : plan.folder) {
    const std::string text = part.string();
    if (text.starts_with("models--")) names.push_back(lower(text.substr(text.rfind("--") + 2)));
  }
  return names;
}

const Card* card_of(const Plan& plan) {
  const std::vector<std::string> names = names_of(plan);
  const auto found = std::ranges::find_if(cards(), [&](const Card& card) {
    return card.family == plan.family->name &&
           std::ranges::any_of(
               names, [&](const std::string& name) { return name.starts_with(card.name); });
  });
  return found == cards().end() ? nullptr : &*found;
}

}  // namespace

void decide_matryoshka(Plan& plan) {
  plan.matryoshka_dimensions = plan.config.integers_or_empty("matryoshka_dimensions");
  const bool listed = !plan.matryoshka_dimensions.empty();
  plan.matryoshka = plan.config.boolean_or("is_matryoshka", listed);
  if (listed || plan.config.has("is_matryoshka")) return;
  const Card* card = card_of(plan);
  if (!card) return;
  plan.matryoshka = true;
  plan.matryoshka_least = card->least;
  if (card->sizes.empty()) return;
  plan.matryoshka_dimensions = {plan.embedding_size};
  for (const int64_t size : card->sizes) {
    if (size < plan.embedding_size) plan.matryoshka_dimensions.push_back(size);
  }
}

}  // namespace vecton
