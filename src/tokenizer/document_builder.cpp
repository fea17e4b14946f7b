#include "tokenizer/document_builder.h"

#include <algorithm>

#include "base/utf8.h"
#include "vecton/error.h"

namespace vecton::tokenizer {

std::string json_text(std::string_view text) { return json::serialize(json::string_view(text)); }

void DocumentBuilder::set_model(std::string_view options,
                                const std::vector<std::pair<std::string, int32_t>>& vocab) {
  json::value model = parse(options);
  json::object tokens(memory_);
  tokens.reserve(vocab.size());
  vocabulary_.reserve(vocab.size(), vocab.size() * 8);
  for (const auto& [token, id] : vocab) {
    if (!utf8::is_valid(token))
      throw Error(ErrorCode::kCorrupt, file_ + " has a token that is not UTF-8");
    vocabulary_.add(token, id);
    tokens.insert_or_assign(token, id);
  }
  model.as_object().emplace("vocab", std::move(tokens));
  document_.insert_or_assign("model", std::move(model));
}

void DocumentBuilder::set_merges(const MergeRules& merges) {
  json::array list(memory_);
  list.reserve(merges.size());
  for (const auto& [left, right] : merges)
    list.push_back(json::array({json::string_view(left), json::string_view(right)}, memory_));
  document_["model"].as_object().insert_or_assign("merges", std::move(list));
}

void DocumentBuilder::set_unigram(std::string_view options, const std::vector<ScoredToken>& vocab) {
  json::value model = parse(options);
  json::array tokens(memory_);
  tokens.reserve(vocab.size());
  vocabulary_.reserve(vocab.size(), vocab.size() * 8);
  for (const auto& [token, score] : vocab) {
    vocabulary_.add(token, static_cast<int32_t>(tokens.size()));
    tokens.push_back(json::array({json::string_view(token), score}, memory_));
  }
  model.as_object().emplace("vocab", std::move(tokens));
  document_.insert_or_assign("model", std::move(model));
}

void DocumentBuilder::set_steps(std::string_view part, std::string_view list,
                                const std::vector<std::string>& steps) {
  if (steps.empty()) return;
  json::value step = parse(steps[0]);
  if (steps.size() > 1) {
    json::array all(memory_);
    for (const std::string& text : steps) all.push_back(parse(text));
    json::object sequence(memory_);
    sequence.emplace("type", "Sequence");
    sequence.emplace(list, std::move(all));
    step = std::move(sequence);
  }
  document_.insert_or_assign(part, std::move(step));
}

void DocumentBuilder::add_tokens(const std::vector<AddedToken>& tokens) {
  added_.insert(added_.end(), tokens.begin(), tokens.end());
}

bool DocumentBuilder::has(std::string_view token) const {
  return vocabulary_.find(token) != Vocabulary::kNone ||
         std::ranges::find(added_, token, &AddedToken::content) != added_.end();
}

void DocumentBuilder::set_post_processor(json::value processor) {
  document_.insert_or_assign("post_processor", std::move(processor));
}

json::value DocumentBuilder::finish() {
  json::array tokens(memory_);
  for (const AddedToken& token : added_) {
    tokens.push_back(json::object({{"content", json::string_view(token.content)},
                                   {"single_word", token.single_word},
                                   {"lstrip", token.lstrip},
                                   {"rstrip", token.rstrip},
                                   {"normalized", token.normalized},
                                   {"special", token.special}},
                                  memory_));
  }
  document_.insert_or_assign("added_tokens", std::move(tokens));
  return json::value(std::move(document_));
}

}  // namespace vecton::tokenizer
