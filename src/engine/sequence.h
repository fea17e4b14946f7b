// Sequence: one request on its way through the engine: what is to be computed, how far it is, and
// where the answer goes. Group: the requests of one submit, answered together.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/kv_cache_manager.h"
#include "vecton/vecton.h"

namespace vecton::engine {

struct Group {
  std::vector<Result> results;
  std::atomic<int64_t> left{0};  // results still to come
  std::atomic<bool> cancelled{false};
  std::function<void(std::vector<Result>)> done;
};

// Groups that their callers have given up: the way from a Ticket, which may outlive the engine, to
// the scheduler.
struct GivenUp {
  std::mutex mutex;
  std::vector<std::weak_ptr<Group>> groups;
};

// All that the numbers of an answer depend on. Equal work gives equal numbers.
struct Work {
  std::vector<Task> tasks{
      Task::kEmbed};  // of one forward pass: the request's, then those of `also`
  size_t route = 0;   // of Routes
  std::vector<int32_t> ids;
  std::vector<int32_t> type_ids;  // empty = all 0
  int64_t attended = 0;           // leading tokens that others attend to; 0 = all
  std::vector<uint8_t> kept;      // tokens that have a vector; empty = all
  std::vector<int64_t> parts;     // late chunking: ends of the parts, in tokens
  int64_t prompt_tokens = 0;      // leading tokens that are the prompt's
  std::optional<int64_t> dimensions;
  std::optional<bool> use_activation;  // none = as the checkpoint says
  int64_t top_k = 0;
  std::vector<int32_t> targets;
  std::string cache_salt;

  bool operator==(const Work&) const = default;
};

// Where the answer goes, and what is said beside it.
struct Delivery {
  std::shared_ptr<Group> group;
  size_t index = 0;                    // in the group
  std::vector<TokenInfo> tokens_info;  // of texts whose answer is token by token; else empty
  bool truncated = false;
  double tokenization = 0;  // seconds
  std::chrono::steady_clock::time_point queued;
};

struct Sequence : Work, Delivery {
  std::vector<uint64_t> page_keys;  // of PrefixIndex; empty = the cache is not for it

  // Of the batch that it is in: the blocks that its first tokens lie in, those that the next ones
  // are written to, their pages, [groups of layers, blocks], and the end of the tokens that are
  // computed. Before the last of its tokens it is a chunk, computed for its pages alone.
  BlockList blocks;
  std::vector<int32_t> new_blocks;
  std::vector<int32_t> block_tables, new_pages;
  int64_t end = 0;
  int64_t reserved = 0;  // pages that it is owed
  bool whole = false;    // a chunk has failed: it is computed in one piece

  int64_t tokens() const { return static_cast<int64_t>(ids.size()); }
  bool is_chunk() const { return end < tokens(); }
  // Tokens whose keys and values the cache has.
  int64_t cached() const {
    return static_cast<int64_t>(blocks.blocks.size()) * PrefixIndex::kPageTokens;
  }
};

}  // namespace vecton::engine
