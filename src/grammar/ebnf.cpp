#include "grammar/ebnf.h"

#include "grammar/ebnf_parser.h"
#include "grammar/json_schema.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

using EbnfKind = EbnfNode::Kind;

// Rules that call no rule being read become terminals.
class EbnfLowering {
 public:
  EbnfLowering(Grammar& grammar, const EbnfRules& rules, const JsonOptions& options)
      : grammar_(grammar), rules_(rules), options_(options) {}

  Symbol lower() {
    const Symbol root = of(rules_.root, 0);
    while (!later_.empty()) {
      const std::string name = later_.back();
      later_.pop_back();
      define(name);
    }
    return root;
  }

 private:
  struct Known {
    Symbol symbol{};
    bool ready = false;
    int32_t rule = -1;
  };

  Symbol of(const std::string& name, size_t line) {
    const auto it = rules_.rules.find(name);
    if (it == rules_.rules.end())
      throw Error(ErrorCode::kInvalidArgument,
                  "grammar, line " + std::to_string(line) + ": there is no rule '" + name + "'",
                  "structured_outputs");
    const auto [known, added] = known_.try_emplace(name);
    if (known->second.ready) return known->second.symbol;
    constexpr int kDeep = 100;
    if (!added || depth_ > kDeep) {
      if (added) later_.push_back(name);
      if (known->second.rule < 0) known->second.rule = grammar_.add_rule(name);
      return Symbol::rule(known->second.rule);
    }
    define(name);
    return known_.at(name).symbol;
  }

  void define(const std::string& name) {
    ++depth_;
    const Symbol symbol = lower(rules_.rules.at(name));
    --depth_;
    Known& known = known_.at(name);
    known.ready = true;
    known.symbol = symbol;
    if (known.rule >= 0) grammar_.define(known.rule, symbol);
  }

  Symbol lower(const EbnfNode& node) {
    switch (node.kind) {
      case EbnfKind::kTerminal:
        return Symbol::terminal(node.terminal);
      case EbnfKind::kName:
        return of(node.name, node.line);
      case EbnfKind::kJson:
        return json_schema(grammar_, node.name, options_);
      case EbnfKind::kRepeat:
        return grammar_.repeat(lower(node.parts[0]), node.least, node.most);
      default:
        break;
    }
    std::vector<Symbol> parts;
    for (const EbnfNode& part : node.parts) parts.push_back(lower(part));
    return node.kind == EbnfKind::kSequence ? grammar_.sequence(parts) : grammar_.any_of(parts);
  }

  Grammar& grammar_;
  const EbnfRules& rules_;
  const JsonOptions& options_;
  std::map<std::string, Known> known_;
  std::vector<std::string> later_;
  int depth_ = 0;
};

}  // namespace

Symbol ebnf(Grammar& grammar, std::string_view text, const NamedTokens& tokens,
            const JsonOptions& options) {
  const EbnfRules rules = parse_ebnf(grammar.pool, text, tokens);
  return EbnfLowering(grammar, rules, options).lower();
}

}  // namespace vecton::grammar
