#include "engine/rerank_prompt.h"

namespace vecton {

std::string RerankPrompt::before_document(std::string_view instruction,
                                          std::string_view query) const {
  return "<Instruct>: " + std::string(instruction) + "\n<Query>: " + std::string(query) +
         "\n<Document>: ";
}

RerankPrompt RerankPrompt::qwen3() {
  return {.prefix =
              "<|im_start|>system\nJudge whether the Document meets the requirements based on "
              "the Query and the Instruct provided. Note that the answer can only be \"yes\" "
              "or \"no\".<|im_end|>\n<|im_start|>user\n",
          .suffix = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
          .default_instruction =
              "Given a web search query, retrieve relevant passages that answer the query"};
}

}  // namespace vecton
