#include "generation/grammar_constraints.h"

#include <charconv>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "grammar/ebnf.h"
#include "grammar/structural_tag.h"
#include "grammar/structured_output.h"
#include "tokenizer/token_bytes.h"

namespace vecton::generation {

namespace {

grammar::Grammar grammar_of(const StructuredOutput& what, const grammar::NamedTokens& tokens) {
  grammar::Grammar made;
  const grammar::JsonOptions options{.compact = what.disable_any_whitespace,
                                     .whitespace_pattern = what.whitespace_pattern,
                                     .closed_objects = what.disable_additional_properties};
  grammar::Symbol root;
  if (const auto* schema = std::get_if<JsonSchema>(&what.kind)) {
    root = grammar::json_schema(made, schema->schema, options);
  } else if (std::holds_alternative<JsonObject>(what.kind)) {
    root = grammar::json_object(made, options);
  } else if (const auto* regex = std::get_if<Regex>(&what.kind)) {
    root = grammar::regex(made, regex->pattern);
  } else if (const auto* choice = std::get_if<Choice>(&what.kind)) {
    root = grammar::choice(made, choice->choices);
  } else {
    const std::string& text = std::get<Grammar>(what.kind).grammar;
    root = grammar::is_structural_tag(text) ? grammar::structural_tag(made, text, tokens, options)
                                            : grammar::ebnf(made, text, tokens, options);
  }
  return grammar::finished(std::move(made), root, "structured output");
}

// All that the grammar depends on.
std::string key_of(const StructuredOutput& what) {
  std::string key = std::to_string(what.kind.index()) + (what.disable_any_whitespace ? "w" : "-") +
                    (what.disable_additional_properties ? "p" : "-");
  const auto add = [&](const std::string& text) {
    key += std::to_string(text.size()) + ":" + text;
  };
  if (what.whitespace_pattern) add(*what.whitespace_pattern);
  key += '|';
  if (const auto* schema = std::get_if<JsonSchema>(&what.kind)) add(schema->schema);
  if (const auto* regex = std::get_if<Regex>(&what.kind)) add(regex->pattern);
  if (const auto* grammar = std::get_if<Grammar>(&what.kind)) add(grammar->grammar);
  if (const auto* choice = std::get_if<Choice>(&what.kind)) {
    for (const std::string& text : choice->choices) add(text);
  }
  return key;
}

// The tokens that grammars name, `<name>` or `<[id]>`.
class NamedBytes {
 public:
  NamedBytes(std::shared_ptr<const Tokenizer> tokenizer,
             std::shared_ptr<const grammar::TokenTrie> trie)
      : tokenizer_(std::move(tokenizer)), trie_(std::move(trie)) {}
  std::optional<std::string> operator()(std::string_view name) const {
    const std::optional<int32_t> id = name.starts_with('[')
                                          ? number(name.substr(1, name.size() - 2))
                                          : tokenizer_->token_to_id(name);
    if (!id || trie_->bytes(*id).empty()) return std::nullopt;
    return std::string(trie_->bytes(*id));
  }

 private:
  std::optional<int32_t> number(std::string_view digits) const {
    int32_t id = -1;
    const char* const end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, id);
    const bool known = read.ec == std::errc() && read.ptr == end && id >= 0 && id < trie_->size();
    return known ? std::optional(id) : std::nullopt;
  }

  std::shared_ptr<const Tokenizer> tokenizer_;
  std::shared_ptr<const grammar::TokenTrie> trie_;
};

class GrammarConstraint : public TokenConstraint {
 public:
  explicit GrammarConstraint(grammar::Constraint constraint) : constraint_(std::move(constraint)) {}
  void mask(std::span<uint64_t> allowed) override { constraint_.mask(allowed); }
  bool may_end() const override { return constraint_.may_end(); }
  bool accept(int32_t id) override { return constraint_.accept(id); }
  bool finished() const override { return constraint_.finished(); }
  std::unique_ptr<TokenConstraint> clone() const override {
    return std::make_unique<GrammarConstraint>(constraint_);
  }

 private:
  grammar::Constraint constraint_;
};

class GrammarConstraints : public ConstraintFactory {
 public:
  explicit GrammarConstraints(std::shared_ptr<const Tokenizer> tokenizer)
      : tokenizer_(std::move(tokenizer)) {}
  std::unique_ptr<TokenConstraint> make(const StructuredOutput& what) const override {
    read_vocabulary();
    try {
      const auto compiled = cache_->get(
          key_of(what),
          [what, tokens = NamedBytes(tokenizer_, trie_)] { return grammar_of(what, tokens); });
      return std::make_unique<GrammarConstraint>(grammar::Constraint(compiled));
    } catch (const Error& error) {
      throw Error(error.code(), error.what(), "structured_outputs");
    }
  }

 private:
  // When the first request asks for it.
  void read_vocabulary() const {
    std::call_once(once_, [&] {
      std::vector<std::string> tokens;
      for (const auto& [bytes, special] : tokenizer::token_bytes(*tokenizer_)) {
        // The byte that marks special tokens is in no text: nothing else may spell them.
        const bool text = bytes.find('\xFF') == std::string::npos;
        tokens.push_back(special ? grammar::special_token_bytes(bytes) : text ? bytes : "");
      }
      trie_ = std::make_shared<const grammar::TokenTrie>(std::move(tokens));
      cache_ = std::make_unique<grammar::GrammarCache>(trie_);
    });
  }

  const std::shared_ptr<const Tokenizer> tokenizer_;
  mutable std::once_flag once_;
  mutable std::shared_ptr<const grammar::TokenTrie> trie_;
  mutable std::unique_ptr<grammar::GrammarCache> cache_;
};

}  // namespace

std::shared_ptr<const ConstraintFactory> make_grammar_constraints(
    std::shared_ptr<const Tokenizer> tokenizer) {
  return std::make_shared<const GrammarConstraints>(std::move(tokenizer));
}

}  // namespace vecton::generation
