// Any bytes as a SentencePiece model; the first byte chooses the class of tokenizers that it
// belongs to.
#include <cstddef>
#include <cstdint>

#include "open_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr std::string_view kConfigs[] = {
      R"({})",
      R"({"tokenizer_class":"XLMRobertaTokenizer"})",
      R"({"tokenizer_class":"LlamaTokenizer","add_bos_token":true})",
      R"({"tokenizer_class":"GemmaTokenizer"})",
      R"({"tokenizer_class":"T5Tokenizer","extra_ids":3})",
      R"({"tokenizer_class":"AlbertTokenizer"})",
      R"({"tokenizer_class":"DebertaV2Tokenizer","split_by_punct":true})",
      R"({"tokenizer_class":"CamembertTokenizer"})",
      R"({"tokenizer_class":"SiglipTokenizer"})",
      R"({"tokenizer_class":"XLNetTokenizer"})"};
  if (size == 0) return 0;
  using namespace vecton::fuzzing;
  write_file("tokenizer_config.json", kConfigs[data[0] % std::size(kConfigs)]);
  write_file("tokenizer.model", {reinterpret_cast<const char*>(data) + 1, size - 1});
  open_and_use();
  return 0;
}
