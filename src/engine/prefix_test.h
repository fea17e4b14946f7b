// Token sequences for the tests of the KV cache's bookkeeping. Included by tests only.
#pragma once

#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "engine/prefix_index.h"

namespace vecton::engine {

inline constexpr int64_t kPage = PrefixIndex::kPageTokens;

// A sequence with its keys.
struct PrefixText {
  std::vector<int32_t> ids;
  std::string salt;
  std::vector<uint64_t> keys;
  std::vector<heads::ImageTokens> images;

  explicit PrefixText(std::vector<int32_t> tokens, std::string s = "")
      : ids(std::move(tokens)), salt(std::move(s)), keys(PrefixIndex::keys(ids, salt)) {}
  PrefixIndex::Prefix prefix() const { return {ids, keys, salt, images}; }
};

inline std::vector<int32_t> counting(int64_t tokens, int32_t from = 0) {
  std::vector<int32_t> ids(static_cast<size_t>(tokens));
  std::iota(ids.begin(), ids.end(), from);
  return ids;
}

}  // namespace vecton::engine
