// Merge rules for vocabularies that come without them: every way to join two tokens to a third.
//
// Used while a tokenizer is loaded. Formats whose tokens are ranked (SentencePiece BPE, tiktoken,
// tekken) say by it in which order a word is joined.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vecton::tokenizer {

// Ways to make one token come in the order of the lengths of their left parts, or of the ranks of
// their parts.
enum class MergeOrder { kByLength, kByRank };

using MergeRules = std::vector<std::pair<std::string_view, std::string_view>>;

// The rules for tokens[0], then for tokens[1] and so on; a token's rank is its place. Parts are
// taken apart between characters of `width`: bytes, or UTF-8. Of equal tokens the last one counts.
// They point into `tokens`. Tokens longer than kLongestMergedToken bytes are an error (kCorrupt)
// that begins with `file`.
constexpr size_t kLongestMergedToken = 4096;
enum class MergeUnit { kBytes, kCharacters };
MergeRules merge_rules(std::span<const std::string> tokens, MergeUnit unit, MergeOrder order,
                       const std::string& file);

}  // namespace vecton::tokenizer
