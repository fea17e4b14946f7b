// Any bytes as a JSON schema, a regular expression or a grammar, by the first byte: refused with an
// Error, or read for a while, always by a token that is allowed; a text that can't go on is whole.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "grammar/ebnf.h"
#include "grammar/structured_output.h"
#include "vecton/error.h"

namespace {

using namespace vecton::grammar;

std::shared_ptr<const TokenTrie> trie() {
  static const auto made = [] {
    std::vector<std::string> tokens;
    for (int b = 0; b < 256; ++b) tokens.emplace_back(1, static_cast<char>(b));
    for (const char* word : {"{\"", "\":", "true", "12", "abc", "\n  "}) tokens.emplace_back(word);
    tokens.push_back(special_token_bytes("<a>"));
    return std::make_shared<const TokenTrie>(std::move(tokens));
  }();
  return made;
}

std::optional<std::string> named(std::string_view name) {
  return name == "<a>" ? std::optional(special_token_bytes(name)) : std::nullopt;
}

Grammar grammar_of(uint8_t kind, std::string_view text) {
  Grammar grammar;
  const Symbol root = kind % 3 == 0   ? json_schema(grammar, text, {.compact = kind % 2 == 0})
                      : kind % 3 == 1 ? regex(grammar, text)
                                      : ebnf(grammar, text, named);
  return finished(std::move(grammar), root, "this");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    Constraint constraint(
        std::make_shared<const CompiledGrammar>(trie(), [&] { return grammar_of(data[0], text); }));
    std::vector<uint64_t> allowed((static_cast<size_t>(trie()->size()) + 63) / 64);
    uint64_t state = size;
    for (int step = 0; step < 40; ++step) {
      constraint.mask(allowed);
      std::vector<int32_t> ids;
      for (int32_t id = 0; id < trie()->size(); ++id) {
        if (allowed[static_cast<size_t>(id) / 64] >> (id % 64) & 1) ids.push_back(id);
      }
      if (ids.empty() != (constraint.finished() || !constraint.allows(ids.empty() ? 0 : ids[0])))
        std::abort();
      if (ids.empty()) break;
      state = state * 6364136223846793005u + 1442695040888963407u;
      if (!constraint.accept(ids[(state >> 33) % ids.size()])) std::abort();
    }
  } catch (const vecton::Error&) {
  }
  return 0;
}
