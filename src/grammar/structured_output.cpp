#include "grammar/structured_output.h"

#include <algorithm>

#include "base/utf8.h"
#include "grammar/limits.h"
#include "grammar/regex.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

constexpr size_t kCached = 32;

}  // namespace

Symbol regex(Grammar& grammar, std::string_view pattern) {
  if (pattern.find('\0') != std::string_view::npos)
    throw Error(ErrorCode::kInvalidArgument, "regex: it has a zero byte", "structured_outputs");
  return Symbol::terminal(
      parse_regex(grammar.pool, pattern, Match::kWhole, Spelling::kUtf8, "regex"));
}

Symbol choice(Grammar& grammar, const std::vector<std::string>& texts) {
  if (texts.empty())
    throw Error(ErrorCode::kInvalidArgument, "choice: it has to have at least one text",
                "structured_outputs");
  size_t bytes = 0;
  for (const std::string& text : texts) {
    if (!utf8::is_valid(text))
      throw Error(ErrorCode::kInvalidArgument, "choice: a text is not UTF-8", "structured_outputs");
    bytes += text.size();
  }
  if (bytes > kMaxTextBytes)
    throw Error(ErrorCode::kInvalidArgument, "choice: its texts are longer than 1 MiB",
                "structured_outputs");
  return Symbol::terminal(grammar.pool.any_literal({texts.begin(), texts.end()}));
}

Grammar finished(Grammar grammar, Symbol root, const std::string& what) {
  if (!grammar.finish(root))
    throw Error(ErrorCode::kInvalidArgument, what + ": no text satisfies it", "structured_outputs");
  return grammar;
}

std::shared_ptr<const CompiledGrammar> GrammarCache::find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto it =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.key == key; });
  if (it == entries_.end()) return nullptr;
  std::rotate(it, it + 1, entries_.end());
  return entries_.back().grammar;
}

std::shared_ptr<const CompiledGrammar> GrammarCache::add(
    const std::string& key, std::shared_ptr<const CompiledGrammar> made) {
  const std::lock_guard lock(mutex_);
  const auto it =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.key == key; });
  if (it != entries_.end()) return it->grammar;  // somebody was faster
  if (entries_.size() >= kCached) entries_.erase(entries_.begin());
  entries_.push_back({key, made});
  return made;
}

}  // namespace vecton::grammar
