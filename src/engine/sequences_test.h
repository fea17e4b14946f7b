// Sequences for the scheduler's tests and its benchmark.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "engine/prefix_test.h"
#include "engine/sequence.h"

namespace vecton::engine {

inline Sequence sequence(std::vector<int32_t> ids, size_t index, Task task = Task::kEmbed) {
  Sequence s;
  s.tasks = {default_parameters(task)};
  s.ids = std::move(ids);
  s.index = index;
  s.group = std::make_shared<Group>();
  return s;
}

inline Sequence sequence(int64_t tokens, size_t index, Task task = Task::kEmbed) {
  return sequence(std::vector<int32_t>(static_cast<size_t>(tokens)), index, task);
}

// For a prefix cache: `common` tokens that all have, then some of its own.
inline Sequence with_prefix(int64_t common, int64_t own, size_t index) {
  std::vector<int32_t> ids = counting(common);
  for (const int32_t id : counting(own, static_cast<int32_t>(100000 + 1000 * index)))
    ids.push_back(id);
  Sequence s = sequence(std::move(ids), index);
  s.page_keys = PrefixIndex::keys(s.ids, "");
  return s;
}

// Of one group, each with three tokens of its own.
inline std::vector<Sequence> with_prefixes(int64_t common, size_t count) {
  std::vector<Sequence> sequences;
  const auto group = std::make_shared<Group>();
  for (size_t i = 0; i < count; ++i) {
    sequences.push_back(with_prefix(common, 3, i));
    sequences.back().group = group;
  }
  return sequences;
}

}  // namespace vecton::engine
