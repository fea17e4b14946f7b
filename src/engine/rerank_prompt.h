// RerankPrompt: the prompt that a generative model was trained to judge a query and a document
// with.
#pragma once

#include <string>
#include <string_view>

namespace vecton {

struct RerankPrompt {
  std::string prefix, suffix;  // around the pair
  std::string default_instruction;

  // What stands between prefix and suffix, up to the document.
  std::string before_document(std::string_view instruction, std::string_view query) const;

  // Of Qwen3-Reranker, as its model card has it.
  static RerankPrompt qwen3();
};

}  // namespace vecton
