#include "tokenizer/truncation.h"

#include <algorithm>
#include <utility>

namespace vecton::tokenizer {

namespace {

void keep(Tokens& tokens, int64_t size, bool left) {
  const int64_t cut = static_cast<int64_t>(tokens.ids.size()) - size;
  if (cut <= 0) return;
  if (left) {
    tokens.ids.erase(tokens.ids.begin(), tokens.ids.begin() + cut);
    if (tokens.with_spans) tokens.spans.erase(tokens.spans.begin(), tokens.spans.begin() + cut);
  } else {
    tokens.resize(static_cast<size_t>(size));
  }
}

// How long each of a pair may stay: the longer one is cut first, then both to halves.
std::pair<int64_t, int64_t> halves(int64_t first, int64_t second, int64_t most, bool first_longer) {
  int64_t shorter = std::min(first, second);
  int64_t longer = shorter > most ? shorter : std::max(shorter, most - shorter);
  if (shorter + longer > most) {
    shorter = most / 2;
    longer = shorter + most % 2;
  }
  return first_longer ? std::pair(longer, shorter) : std::pair(shorter, longer);
}

}  // namespace

int64_t truncate(Tokens& first, Tokens* second, EncodeOptions::Truncation strategy, int64_t most,
                 int64_t added, bool left, std::optional<bool> first_longer) {
  const auto fail = [](const std::string& message, const char* field) {
    throw Error(ErrorCode::kInvalidArgument, message, field);
  };
  const int64_t room = most - added;
  if (room < 0) {
    fail("max_length " + std::to_string(most) + " has no room for the " + std::to_string(added) +
             " special tokens",
         "max_length");
  }
  const int64_t n1 = static_cast<int64_t>(first.ids.size());
  const int64_t n2 = second ? static_cast<int64_t>(second->ids.size()) : 0;
  const int64_t excess = n1 + n2 - room;
  if (excess <= 0) return 0;
  if (room == 0) {
    keep(first, 0, left);
    if (second) keep(*second, 0, left);
  } else if (strategy == EncodeOptions::Truncation::kLongestFirst) {
    const auto [keep1, keep2] =
        second ? halves(n1, n2, room, first_longer.value_or(n1 > n2)) : std::pair(room, int64_t{0});
    keep(first, keep1, left);
    if (second) keep(*second, keep2, left);
  } else {
    Tokens* target = strategy == EncodeOptions::Truncation::kOnlyFirst ? &first : second;
    if (!target) fail("truncation only_second needs a pair", "truncation");
    const int64_t size = static_cast<int64_t>(target->ids.size());
    if (size <= excess) {
      fail("the text that may be cut has " + std::to_string(size) + " tokens, and " +
               std::to_string(excess) + " would have to go",
           "truncation");
    }
    keep(*target, size - excess, left);
  }
  return n1 + n2 - static_cast<int64_t>(first.ids.size()) -
         static_cast<int64_t>(second ? second->ids.size() : 0);
}

int64_t round_up(int64_t size, int64_t multiple) {
  return multiple > 0 ? (size + multiple - 1) / multiple * multiple : size;
}

void pad(Encoding& row, int64_t size, int32_t pad_id, bool left) {
  const int64_t count = size - static_cast<int64_t>(row.ids.size());
  if (count <= 0) return;
  const auto fill = [&](auto& values, auto value) {
    values.insert(left ? values.begin() : values.end(), static_cast<size_t>(count), value);
  };
  const bool offsets = !row.offsets.empty() || row.ids.empty();
  fill(row.ids, pad_id);
  fill(row.type_ids, 0);
  fill(row.attention_mask, 0);
  fill(row.special_tokens_mask, uint8_t{1});
  fill(row.sequences, int8_t{-1});
  if (!offsets) return;
  fill(row.offsets, Encoding::Range(0, 0));
  fill(row.char_offsets, Encoding::Range(0, 0));
}

}  // namespace vecton::tokenizer
