// A vocabulary for tests, and whether a grammar takes a text, read in several ways that have to
// agree.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "grammar/structured_output.h"
#include "vecton/error.h"

namespace vecton::grammar::testing_grammar {

// All bytes, some words, a token that is no text, and a special one.
inline std::vector<std::string> test_tokens() {
  std::vector<std::string> tokens;
  for (int b = 0; b < 256; ++b) tokens.emplace_back(1, static_cast<char>(b));
  for (const char* word : {"ab", "abc", "{\"", "\": ", "\",", "\"}", " \"", "true", "null", "12",
                           "é", "\xC3\xA9\xC3", "  ", "\n  ", "[]", "},{"})
    tokens.emplace_back(word);
  tokens.emplace_back();
  tokens.push_back(special_token_bytes("<tool>"));
  return tokens;
}

inline std::shared_ptr<const TokenTrie> test_trie() {
  static const auto trie = std::make_shared<const TokenTrie>(test_tokens());
  return trie;
}

// In the longest or the shortest tokens.
inline bool takes(const std::shared_ptr<const CompiledGrammar>& grammar, std::string_view text,
                  bool longest) {
  static const std::vector<std::string> tokens = test_tokens();
  Constraint constraint(grammar);
  std::vector<uint64_t> allowed(tokens.size() / 64 + 1);
  while (!text.empty()) {
    size_t id = static_cast<unsigned char>(text[0]);
    for (size_t other = 256; longest && other < tokens.size(); ++other) {
      if (tokens[other].size() > tokens[id].size() && text.starts_with(tokens[other])) id = other;
    }
    constraint.mask(allowed);
    const bool bit = (allowed[id / 64] >> (id % 64) & 1) != 0;
    EXPECT_EQ(constraint.allows(static_cast<int32_t>(id)), bit);
    EXPECT_EQ(constraint.accept(static_cast<int32_t>(id)), bit);
    if (!bit) return false;
    text.remove_prefix(tokens[id].size());
  }
  return constraint.may_end();
}

inline bool takes(const std::shared_ptr<const CompiledGrammar>& grammar, std::string_view text) {
  const bool taken = takes(grammar, text, false);
  EXPECT_EQ(takes(grammar, text, true), taken) << text;
  return taken;
}

template <typename Make>
std::shared_ptr<const CompiledGrammar> compile(const Make& make) {
  return std::make_shared<const CompiledGrammar>(test_trie(), [make] {
    Grammar grammar;
    const Symbol root = make(grammar);
    return finished(std::move(grammar), root, "this");
  });
}

// The message of the error that `make` throws.
template <typename Make>
std::string refusal(const Make& make, ErrorCode code) {
  try {
    compile(make);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error was thrown";
  return "";
}

}  // namespace vecton::grammar::testing_grammar
