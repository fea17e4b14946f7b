// RerankPrompt: the prompt that a generative model was trained to judge a query and a document
// with. A constant of its family.
#pragma once

#include <string>
#include <string_view>

namespace vecton::models {

struct RerankPrompt {
  std::string_view prefix;  // then the three, each after its own words, and the suffix
  std::string_view instruction_words, query_words, document_words;
  std::string_view suffix;
  std::string_view default_instruction;

  // All that stands before the document.
  std::string before_document(std::string_view instruction, std::string_view query) const;
};

}  // namespace vecton::models
