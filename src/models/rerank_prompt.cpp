#include "models/rerank_prompt.h"

namespace vecton::models {

std::string RerankPrompt::before_document(std::string_view instruction,
                                          std::string_view query) const {
  std::string text;
  for (const std::string_view part :
       {prefix, instruction_words, instruction, query_words, query, document_words}) {
    text += part;
  }
  return text;
}

}  // namespace vecton::models
