// Sequence: one request on its way through the engine. Group: the requests of one submit, answered
// together.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/prefix_cache.h"
#include "vecton/vecton.h"

namespace vecton {

struct Group {
  std::vector<Result> results;
  std::atomic<int64_t> left{0};  // results still to come
  std::shared_ptr<std::atomic<bool>> cancelled = std::make_shared<std::atomic<bool>>(false);
  std::function<void(std::vector<Result>)> done;
};

struct Sequence {
  std::vector<Task> tasks{
      Task::kEmbed};  // of one forward pass: the request's, then those of `also`
  std::vector<int32_t> ids;
  std::vector<int32_t> type_ids;       // empty = all 0
  std::vector<TokenInfo> tokens_info;  // of texts whose answer is token by token; else empty
  int64_t attended = 0;                // leading tokens that others attend to; 0 = all
  std::vector<uint8_t> kept;           // tokens that have a vector; empty = all
  std::vector<int64_t> parts;          // late chunking: ends of the parts, in tokens
  int64_t prompt_tokens = 0;           // leading tokens that are the prompt's
  std::optional<int64_t> dimensions;
  std::optional<bool> use_activation;  // none = as the checkpoint says
  int64_t top_k = 0;
  std::vector<int32_t> targets;

  std::string cache_salt;
  std::vector<uint64_t> page_keys;     // of PrefixCache; empty = the cache is not for it
  std::vector<int32_t> pages, claims;  // of the cache: its first tokens', and those that follow
  bool prefix_only = false;            // computed for its pages alone: no answer is taken

  bool truncated = false;
  double tokenization = 0;  // seconds
  std::chrono::steady_clock::time_point queued;
  std::shared_ptr<Group> group;
  size_t index = 0;  // in the group

  int64_t tokens() const { return static_cast<int64_t>(ids.size()); }
  // Tokens whose keys and values the cache has.
  int64_t cached() const { return static_cast<int64_t>(pages.size()) * PrefixCache::kPageTokens; }
};

}  // namespace vecton
