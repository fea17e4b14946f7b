// Any bytes as a tekken.json or, by the first byte, as a tiktoken file.
#include <cstddef>
#include <cstdint>

#include "open_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr std::string_view kConfig =
      R"({"add_bos_token":true,"bos_token":"<b>","added_tokens_decoder":{"9":{"content":"<b>","special":true}}})";
  if (size == 0) return 0;
  using namespace vecton::fuzzing;
  const bool tekken = data[0] % 2 == 0;
  write_file("tokenizer_config.json", tekken ? "{}" : kConfig);
  std::filesystem::remove(scratch_folder() / (tekken ? "tiktoken.model" : "tekken.json"));
  write_file(tekken ? "tekken.json" : "tiktoken.model",
             {reinterpret_cast<const char*>(data) + 1, size - 1});
  open_and_use();
  return 0;
}
