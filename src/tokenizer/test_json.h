// For tests: a part of a tokenizer.json as a Field, and a normalizer or pre-tokenizer at work.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/json_fields.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pre_tokenizer.h"

namespace vecton::testing_json {

class Document {
 public:
  explicit Document(std::string_view text) : value_(base::parse_json(text, "test")) {}
  tokenizer::Field field() const { return tokenizer::Field(value_, "test"); }

 private:
  json::value value_;
};

inline std::string normalized(std::string_view json_text, std::string_view text,
                              bool tracked = false) {
  const auto normalizer = tokenizer::make_normalizer(Document(json_text).field());
  tokenizer::Text out;
  out.assign(text, 0, tracked);
  normalizer->apply(out);
  return out.bytes();
}

inline std::vector<std::string> words(std::string_view json_text, std::string_view text) {
  const auto pre_tokenizer = tokenizer::make_pre_tokenizer(Document(json_text).field());
  tokenizer::Words work;
  work.text.assign(text, 0, false);
  work.reset();
  pre_tokenizer->apply(work);
  std::vector<std::string> out;
  for (const tokenizer::Span span : work.spans)
    out.push_back(work.text.bytes().substr(span.begin, span.end - span.begin));
  return out;
}

}  // namespace vecton::testing_json
