// For fuzzers of vocabulary files: a folder in memory that holds one file and a
// tokenizer_config.json, opened and used.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "vecton/error.h"
#include "vecton/tokenizer.h"

namespace vecton::fuzzing {

inline const std::filesystem::path& scratch_folder() {
  static const std::filesystem::path folder = [] {
    char name[] = "/tmp/vecton_fuzz_XXXXXX";
    if (!mkdtemp(name)) std::abort();
    return std::filesystem::path(name);
  }();
  return folder;
}

inline void write_file(const std::string& name, std::string_view bytes) {
  std::ofstream(scratch_folder() / name, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// What the files are may be refused with an Error. Decoding at once and bit by bit must agree.
inline void open_and_use() {
  constexpr std::string_view kTexts[] = {
      "", " ", "Hello, world! It's 2024-01-02 \r\n\n  naïve café",
      "हि 中文 한 e\u0301 \U0001F469 <s>x",
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
  try {
    const auto tokenizer = Tokenizer::open(scratch_folder());
    for (const std::string_view text : kTexts) {
      try {
        EncodeOptions options;
        options.offsets = true;
        const Encoding encoding = tokenizer->encode(text, "a b", options);
        Detokenizer pieces(tokenizer, false);
        std::string together;
        for (const int32_t id : encoding.ids) together += pieces.push(id);
        if (together + pieces.finish() != tokenizer->decode(encoding.ids)) std::abort();
      } catch (const Error&) {
      }
    }
  } catch (const Error&) {
  }
}

}  // namespace vecton::fuzzing
