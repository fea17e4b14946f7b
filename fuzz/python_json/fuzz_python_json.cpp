// Any bytes as a JSON line of Python's: a value that can be written and read again, or an Error.
//
//   fuzz_python_json -max_len=2048 -dict=fuzz/python_json/dictionary fuzz/python_json/corpus
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/python_json.h"
#include "vecton/error.h"

namespace {

using vecton::base::BadBytes;

std::string written(std::string_view text, BadBytes bad_bytes) {
  try {
    return vecton::json::serialize(vecton::base::parse_python_json(text, "line 1", bad_bytes));
  } catch (const vecton::Error&) {
    return "";
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string refusing = written(text, BadBytes::kRefuse);
  const std::string replacing = written(text, BadBytes::kReplace);
  // What is read without replacing is read alike with it.
  if (!refusing.empty() && refusing != replacing) std::abort();
  // What JSON itself takes is what is read.
  try {
    const vecton::json::value plain = vecton::base::parse_json(text, "line 1");
    if (vecton::json::serialize(plain) != refusing) std::abort();
  } catch (const vecton::Error&) {
  }
  return 0;
}
