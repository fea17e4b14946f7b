// Encodes lines of JSON with a checkpoint's tokenizer: all that an Encoding holds, for comparison
// with other implementations (tests/python/tokenizer_differential_test.py).
//
//   tokenizer_lines FOLDER     {"text": ..., "pair"?: ..., "max_length"?: ...} -> {"ids", "types",
//                              "special", "sequences", "offsets", "char_offsets", "text"};
//                              "text" decodes the ids again
#include <cstdio>
#include <iostream>
#include <string>

#include "base/json.h"
#include "vecton/error.h"
#include "vecton/tokenizer.h"

namespace {

using vecton::Encoding;
namespace json = vecton::json;

json::array ranges(const std::vector<Encoding::Range>& values) {
  json::array out;
  for (const auto& [begin, end] : values) out.push_back(json::array{begin, end});
  return out;
}

template <typename T>
json::array numbers(const std::vector<T>& values) {
  json::array out;
  for (const T value : values) out.push_back(static_cast<int64_t>(value));
  return out;
}

json::object encode(const vecton::Tokenizer& tokenizer, const json::object& line) {
  vecton::EncodeOptions options;
  options.offsets = true;
  if (const json::value* length = line.if_contains("max_length")) {
    options.truncation = vecton::EncodeOptions::Truncation::kLongestFirst;
    options.max_length = length->as_int64();
  }
  const std::string text(line.at("text").as_string());
  const json::value* pair = line.if_contains("pair");
  const Encoding out = pair ? tokenizer.encode(text, std::string(pair->as_string()), options)
                            : tokenizer.encode(text, options);
  return {{"ids", numbers(out.ids)},
          {"types", numbers(out.type_ids)},
          {"special", numbers(out.special_tokens_mask)},
          {"sequences", numbers(out.sequences)},
          {"offsets", ranges(out.offsets)},
          {"char_offsets", ranges(out.char_offsets)},
          {"text", tokenizer.decode(out.ids)}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  try {
    const auto tokenizer = vecton::Tokenizer::open(argv[1]);
    for (std::string line; std::getline(std::cin, line);) {
      const json::value value = vecton::base::parse_json(line, "a line");
      std::cout << json::serialize(encode(*tokenizer, value.as_object())) << "\n";
    }
  } catch (const vecton::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
