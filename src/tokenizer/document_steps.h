// DocumentSteps: a part of a tokenizer.json ("normalizer", "pre_tokenizer", "decoder") as the list
// of its steps, to be changed before a pipeline is made of it. Used while a tokenizer is loaded.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace vecton::tokenizer {

class DocumentSteps {
 public:
  // A part that is missing or null has no steps. `document` must outlive this.
  DocumentSteps(json::object& document, std::string_view part);

  std::span<json::object* const> all() const { return steps_; }
  bool has(std::string_view type) const;
  // The place behind the steps of this type that the part begins with.
  size_t after_leading(std::string_view type) const;
  // The place behind the last step of this type, or `otherwise`.
  size_t after(std::string_view type, size_t otherwise) const;

  void remove(std::string_view type);
  void insert(size_t at, std::string_view step);  // a step's JSON
  void append(std::string_view step) { insert(steps_.size(), step); }
  // Instead of all steps.
  void assign(std::string_view step);

 private:
  void add(json::value& value);
  void rewrite(std::vector<json::value> steps);
  std::vector<json::value> copies() const;

  json::object& document_;
  std::string_view part_;
  std::vector<json::object*> steps_;
};

bool is_step(const json::object& step, std::string_view type);

}  // namespace vecton::tokenizer
