#include "tokenizer/document_steps.h"

namespace vecton::tokenizer {

namespace {

// What a sequence of each part calls its list.
std::string_view list_of(std::string_view part) {
  return part == "normalizer" ? "normalizers" : part == "decoder" ? "decoders" : "pretokenizers";
}

}  // namespace

bool is_step(const json::object& step, std::string_view type) {
  const json::value* const found = step.if_contains("type");
  return found && found->is_string() && std::string_view(found->get_string()) == type;
}

DocumentSteps::DocumentSteps(json::object& document, std::string_view part)
    : document_(document), part_(part) {
  if (json::value* const value = document.if_contains(part)) add(*value);
}

void DocumentSteps::add(json::value& value) {
  json::object* const step = value.if_object();
  if (!step) return;
  json::value* const list =
      is_step(*step, "Sequence") ? step->if_contains(list_of(part_)) : nullptr;
  if (!list || !list->is_array()) return steps_.push_back(step);
  for (json::value& inner : list->get_array()) add(inner);
}

bool DocumentSteps::has(std::string_view type) const { return after(type, 0) > 0; }

size_t DocumentSteps::after_leading(std::string_view type) const {
  size_t at = 0;
  while (at < steps_.size() && is_step(*steps_[at], type)) ++at;
  return at;
}

size_t DocumentSteps::after(std::string_view type, size_t otherwise) const {
  for (size_t at = steps_.size(); at > 0; --at) {
    if (is_step(*steps_[at - 1], type)) return at;
  }
  return otherwise;
}

std::vector<json::value> DocumentSteps::copies() const {
  std::vector<json::value> steps;
  for (const json::object* step : steps_) steps.emplace_back(*step);
  return steps;
}

void DocumentSteps::remove(std::string_view type) {
  if (!has(type)) return;
  std::vector<json::value> steps = copies();
  std::erase_if(steps, [&](const json::value& step) { return is_step(step.get_object(), type); });
  rewrite(std::move(steps));
}

void DocumentSteps::insert(size_t at, std::string_view step) {
  std::vector<json::value> steps = copies();
  steps.insert(steps.begin() + static_cast<std::ptrdiff_t>(at), base::parse_json(step, "a step"));
  rewrite(std::move(steps));
}

void DocumentSteps::assign(std::string_view step) { rewrite({base::parse_json(step, "a step")}); }

void DocumentSteps::rewrite(std::vector<json::value> steps) {
  const json::array list(steps.begin(), steps.end());
  document_[part_] = {{"type", "Sequence"}, {list_of(part_), list}};
  steps_.clear();
  add(document_[part_]);
}

}  // namespace vecton::tokenizer
