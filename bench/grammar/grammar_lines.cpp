// Which texts a schema, expression or grammar takes, for comparison with other implementations
// (tests/python/grammar_differential_test.py).
//
//   grammar_lines FOLDER    lines of JSON {"json" | "regex" | "grammar" | "choice" | "tag": ...,
//                           "options"?: {"compact", "whitespace_pattern", "closed_objects"},
//                           "texts": [...], "write"?: how many} ->
//                           {"taken": [...], "written"?: [...]} or {"error": "...", "code": "..."}
//
// Each text is read in random tokens of the folder's tokenizer, which the mask has to have allowed.
// Texts are written in random tokens that the mask allows; what doesn't come to an end is left out,
// and one that can't go on is an error.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <optional>
#include <random>
#include <string>

#include "base/json.h"
#include "grammar/ebnf.h"
#include "grammar/structural_tag.h"
#include "grammar/structured_output.h"
#include "tokenizer/token_bytes.h"
#include "vecton/error.h"

namespace {

namespace json = vecton::json;
using namespace vecton::grammar;

Grammar grammar_of(const json::object& line) {
  JsonOptions options;
  if (const json::value* given = line.if_contains("options")) {
    const json::object& o = given->as_object();
    options.compact = o.contains("compact");
    options.closed_objects = o.contains("closed_objects");
    if (const json::value* pattern = o.if_contains("whitespace_pattern"))
      options.whitespace_pattern = std::string(pattern->as_string());
  }
  Grammar grammar;
  Symbol root;
  if (const json::value* schema = line.if_contains("json")) {
    root = parsed_json_schema(grammar, *schema, options);
  } else if (const json::value* pattern = line.if_contains("regex")) {
    root = regex(grammar, pattern->as_string());
  } else if (const json::value* text = line.if_contains("grammar")) {
    root = ebnf(grammar, text->as_string());
  } else if (const json::value* tag = line.if_contains("tag")) {
    root = structural_tag(grammar, json::serialize(*tag));
  } else {
    std::vector<std::string> texts;
    for (const json::value& choice : line.at("choice").as_array())
      texts.emplace_back(choice.as_string());
    root = choice(grammar, texts);
  }
  return finished(std::move(grammar), root, "this");
}

class Texts {
 public:
  explicit Texts(std::vector<std::string> tokens) : trie_(std::make_shared<TokenTrie>(tokens)) {
    for (size_t id = 0; id < tokens.size(); ++id) {
      if (!tokens[id].empty()) sorted_.emplace_back(tokens[id], static_cast<int32_t>(id));
    }
    std::sort(sorted_.begin(), sorted_.end());
  }

  const std::shared_ptr<const TokenTrie>& trie() const { return trie_; }

  // Whether the text is taken; mask(), allows() and accept() have to agree.
  bool takes(const std::shared_ptr<const CompiledGrammar>& grammar, std::string_view text) {
    Constraint constraint(grammar);
    std::vector<uint64_t> allowed((static_cast<size_t>(trie_->size()) + 63) / 64);
    while (!text.empty()) {
      const int32_t id = token_of(text);
      constraint.mask(allowed);
      const bool bit = (allowed[static_cast<size_t>(id) / 64] >> (id % 64) & 1) != 0;
      if (bit != constraint.allows(id))
        throw vecton::Error(vecton::ErrorCode::kInternal, "mask() and allows() differ");
      if (bit != constraint.accept(id))
        throw vecton::Error(vecton::ErrorCode::kInternal, "mask() and accept() differ");
      if (!bit) return false;
      text.remove_prefix(trie_->bytes(id).size());
    }
    return constraint.may_end();
  }

  // A text in random tokens, most of them such that it ends soon.
  std::optional<std::string> write(const std::shared_ptr<const CompiledGrammar>& grammar) {
    Constraint constraint(grammar);
    std::vector<uint64_t> allowed((static_cast<size_t>(trie_->size()) + 63) / 64);
    std::string text;
    for (int length = 0; length < 300; ++length) {
      if (constraint.finished() || (constraint.may_end() && random_() % 4 == 0)) return text;
      constraint.mask(allowed);
      std::vector<int32_t> ids, endings;
      for (int32_t id = 0; id < trie_->size(); ++id) {
        if ((allowed[static_cast<size_t>(id) / 64] >> (id % 64) & 1) == 0) continue;
        ids.push_back(id);
        if (std::string_view("\"]}").find(trie_->bytes(id)[0]) != std::string_view::npos)
          endings.push_back(id);
      }
      if (ids.empty()) {
        if (constraint.may_end()) return text;
        throw vecton::Error(vecton::ErrorCode::kInternal, "no token may follow '" + text + "'");
      }
      const bool ends = !endings.empty() && random_() % 4 != 0;
      const std::vector<int32_t>& from = ends ? endings : ids;
      const int32_t id = from[random_() % from.size()];
      if (!constraint.accept(id))
        throw vecton::Error(vecton::ErrorCode::kInternal, "mask() and accept() differ");
      text += trie_->bytes(id);
    }
    return std::nullopt;
  }

 private:
  // Any token that the text begins with.
  int32_t token_of(std::string_view text) {
    std::vector<int32_t> fitting;
    for (size_t length = 1; length <= std::min<size_t>(text.size(), 16); ++length) {
      const auto it = std::lower_bound(sorted_.begin(), sorted_.end(),
                                       std::pair(std::string(text.substr(0, length)), int32_t{-1}));
      if (it != sorted_.end() && it->first == text.substr(0, length)) fitting.push_back(it->second);
    }
    if (fitting.empty()) throw vecton::Error(vecton::ErrorCode::kInternal, "no token for a byte");
    return fitting[random_() % fitting.size()];
  }

  std::shared_ptr<const TokenTrie> trie_;
  std::vector<std::pair<std::string, int32_t>> sorted_;
  std::minstd_rand random_{1};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  try {
    const auto tokenizer = vecton::Tokenizer::open(argv[1]);
    std::vector<std::string> tokens;
    for (const auto& [bytes, special] : vecton::tokenizer::token_bytes(*tokenizer))
      tokens.push_back(special ? special_token_bytes(bytes) : bytes);
    Texts all(std::move(tokens));
    for (std::string line; std::getline(std::cin, line);) {
      const json::value value = vecton::base::parse_json(line, "a line");
      json::object out;
      try {
        const auto grammar = std::make_shared<const CompiledGrammar>(
            all.trie(), [&] { return grammar_of(value.as_object()); });
        json::array taken;
        for (const json::value& text : value.at("texts").as_array())
          taken.push_back(all.takes(grammar, text.as_string()));
        out["taken"] = taken;
        if (const json::value* number = value.as_object().if_contains("write")) {
          json::array written;
          for (int64_t i = 0; i < number->as_int64(); ++i) {
            if (const auto text = all.write(grammar)) written.push_back(json::value(*text));
          }
          out["written"] = written;
        }
      } catch (const vecton::Error& error) {
        out["error"] = error.what();
        out["code"] = vecton::to_string(error.code());
      }
      std::cout << json::serialize(out) << std::endl;
    }
  } catch (const vecton::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
