#include "tokenizer/document_builder.h"

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
  added_ids_ = {};
  added_ids_.build(added_, vocabulary_, nullptr);
}

int32_t DocumentBuilder::find(std::string_view token) const {
  const AddedTokens::Token* added = added_ids_.find(token);
  return added ? added->id : vocabulary_.find(token);
}

int32_t DocumentBuilder::id(std::string_view token) const {
  const int32_t id = find(token);
  if (id == Vocabulary::kNone) {
    throw Error(ErrorCode::kCorrupt, file_ + " lacks the token \"" + std::string(token) +
                                         "\", which the tokenizer puts around texts");
  }
  return id;
}

json::array DocumentBuilder::template_parts(const std::vector<TemplatePart>& parts,
                                            json::object& tokens) const {
  json::array out(memory_);
  for (const auto& [name, type] : parts) {
    const bool sequence = name == "$A" || name == "$B";
    const std::string_view text = sequence ? name.substr(1) : name;
    json::object part(memory_);
    part.emplace("id", json::string_view(text));
    part.emplace("type_id", type);
    json::object piece(memory_);
    piece.emplace(sequence ? "Sequence" : "SpecialToken", std::move(part));
    out.push_back(std::move(piece));
    if (sequence) continue;
    json::array ids(memory_);
    ids.push_back(id(name));
    json::object token(memory_);
    token.emplace("ids", std::move(ids));
    tokens.insert_or_assign(text, std::move(token));
  }
  return out;
}

void DocumentBuilder::set_template(const std::vector<TemplatePart>& single,
                                   const std::vector<TemplatePart>& pair) {
  json::object tokens(memory_);
  json::object processor(memory_);
  processor.emplace("type", "TemplateProcessing");
  processor.emplace("single", template_parts(single, tokens));
  processor.emplace("pair", template_parts(pair, tokens));
  processor.emplace("special_tokens", std::move(tokens));
  document_.insert_or_assign("post_processor", std::move(processor));
}

void DocumentBuilder::set_post_processor(std::string_view text) {
  document_.insert_or_assign("post_processor", parse(text));
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
