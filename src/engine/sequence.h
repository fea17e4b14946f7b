// Sequence: one request on its way through the engine. Group: the requests of one submit, answered
// together.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "vecton/vecton.h"

namespace vecton {

struct Group {
  std::vector<Result> results;
  std::atomic<int64_t> left{0};  // results still to come
  std::shared_ptr<std::atomic<bool>> cancelled = std::make_shared<std::atomic<bool>>(false);
  std::function<void(std::vector<Result>)> done;
};

struct Sequence {
  Task task = Task::kEmbed;
  std::vector<int32_t> ids;
  int64_t prompt_tokens = 0;  // leading tokens that are the prompt's
  std::optional<int64_t> dimensions;
  bool normalize = false;
  bool truncated = false;
  double tokenization = 0;  // seconds
  std::chrono::steady_clock::time_point queued;
  std::shared_ptr<Group> group;
  size_t index = 0;  // in the group

  int64_t tokens() const { return static_cast<int64_t>(ids.size()); }
};

}  // namespace vecton
