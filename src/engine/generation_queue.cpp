#include "engine/generation_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace vecton::engine {

namespace {

constexpr int64_t kPage = KvCacheManager::kPageTokens;

PrefixIndex::Prefix prefix_of(const Sequence& sequence) {
  return {sequence.ids, sequence.page_keys, sequence.cache_salt};
}

int64_t blocks_of(int64_t tokens) { return (tokens + kPage - 1) / kPage; }

}  // namespace

GenerationQueue::GenerationQueue(const Limits& limits, KvCacheManager* cache)
    : limits_(limits), cache_(cache) {
  for (int64_t slot = limits.state_slots; slot > 0; --slot)
    free_slots_.push_back(static_cast<int32_t>(slot));
}

// Its prompt is computed.
bool GenerationQueue::goes_on(const Sequence& sequence) {
  return sequence.computed > 0 && sequence.computed + 1 == sequence.tokens();
}

void GenerationQueue::insert(List& list, Sequence sequence) {
  const auto before = [&](const Sequence& other) {
    return other.priority != sequence.priority
               ? other.priority < sequence.priority
               : other.generating->order < sequence.generating->order;
  };
  auto at = list.end();
  while (at != list.begin() && !before(*std::prev(at))) --at;
  list.insert(at, std::move(sequence));
}

void GenerationQueue::push(Sequence sequence) {
  sequence.generating->order = next_order_++;
  if (cache_ && sequence.generating->shares) cache_->note(prefix_of(sequence));
  insert(waiting_, std::move(sequence));
}

int64_t GenerationQueue::waiting_tokens() const {
  int64_t tokens = 0;
  for (const Sequence& sequence : waiting_) tokens += sequence.tokens();
  return tokens;
}

int64_t GenerationQueue::ready_batches() const {
  const bool going_on = !decoding_ && std::ranges::any_of(running_, goes_on);
  const bool prompts = !waiting_.empty() ||
                       std::ranges::any_of(running_, [](const Sequence& s) { return !goes_on(s); });
  return (going_on ? 1 : 0) + (prompts ? 1 : 0);
}

void GenerationQueue::release(Sequence& sequence) {
  Generating& generating = *sequence.generating;
  if (cache_) {
    BlockList& list = sequence.blocks;
    list.blocks.insert(list.blocks.end(), sequence.new_blocks.begin(), sequence.new_blocks.end());
    list.first.resize(static_cast<size_t>(cache_->groups()));
    cache_->discard(list, generating.published);
    cache_->release(list);
  }
  if (sequence.state_slot > 0) free_slots_.push_back(std::exchange(sequence.state_slot, 0));
  sequence.blocks = {};
  sequence.new_blocks.clear();
  sequence.computed = generating.published = 0;
}

void GenerationQueue::preempt(List::iterator sequence) {
  ++preemptions_;
  Sequence taken = std::move(*sequence);
  running_.erase(sequence);
  release(taken);
  insert(waiting_, std::move(taken));
}

// Whole blocks can be found by others, also while `number` computes them.
void GenerationQueue::publish(Sequence& sequence, int64_t blocks, int64_t number) {
  Generating& generating = *sequence.generating;
  PrefixIndex::extend(sequence.page_keys, sequence.ids, sequence.cache_salt);
  const auto block_at = [&](int64_t i) {
    const auto at = static_cast<size_t>(i);
    const size_t old = sequence.blocks.blocks.size();
    return at < old ? sequence.blocks.blocks[at] : sequence.new_blocks[at - old];
  };
  while (generating.publishes && generating.published < blocks) {
    const int64_t i = generating.published;
    // Another sequence may have written the same meanwhile: what follows stays its own.
    generating.publishes = cache_->publish(prefix_of(sequence), static_cast<size_t>(i),
                                           i == 0 ? -1 : block_at(i - 1), block_at(i), number);
    if (generating.publishes) ++generating.published;
  }
}

// Blocks for the tokens up to `end`.
bool GenerationQueue::grow(Sequence& sequence, int64_t end, int64_t number) {
  if (!cache_) return true;
  const int64_t have = std::ssize(sequence.blocks.blocks);
  std::optional<std::vector<int32_t>> taken = cache_->take(blocks_of(end) - have);
  if (!taken) return false;
  sequence.new_blocks = std::move(*taken);
  cache_->block_tables(sequence.blocks, sequence.block_tables);
  cache_->block_tables(sequence.new_blocks, sequence.new_pages);
  if (sequence.generating->publishes) publish(sequence, end / kPage, number);
  return true;
}

// Those that came later give their pages back, until there are enough. False = the sequence has to
// wait; where others came before it, without its own.
bool GenerationQueue::make_room(List::iterator sequence, int64_t end, int64_t number) {
  while (!grow(*sequence, end, number)) {
    const auto last = std::prev(running_.end());
    if (last == sequence) {
      if (in_batches_ > 0 || running_.size() > 1) preempt(sequence);
      return false;
    }
    preempt(last);
  }
  return true;
}

void GenerationQueue::take_given_up(List& list, std::vector<Sequence>& ended) {
  for (auto at = list.begin(); at != list.end();) {
    const auto next = std::next(at);
    if (at->generating->stream->given_up) {
      release(*at);
      ended.push_back(std::move(*at));
      list.erase(at);
    }
    at = next;
  }
}

void GenerationQueue::move_to(std::vector<Sequence>& batch, List& from, List::iterator sequence,
                              int64_t end) {
  sequence->end = end;
  sequence->generating->decoding = false;
  batch.push_back(std::move(*sequence));
  from.erase(sequence);
  ++in_batches_;
}

// Where the next chunk of at most `budget` tokens ends; the beginning = not now.
int64_t GenerationQueue::chunk_end(const Sequence& sequence, int64_t budget) const {
  const int64_t from = sequence.computed, tokens = sequence.tokens();
  if (!cache_ || tokens - from <= budget) return tokens;
  return std::max(from, (from + budget) / kPage * kPage);
}

// With what the cache has of it.
GenerationQueue::Begun GenerationQueue::begin(Sequence& sequence, int64_t number) {
  Generating& generating = *sequence.generating;
  if (!cache_) return Begun::kYes;
  if (limits_.state_slots > 0 && free_slots_.empty()) return Begun::kNoRoom;
  generating.publishes = generating.shares;
  PrefixIndex::Found found;
  if (generating.shares && !generating.wants_prompt_rows())
    found = cache_->find(prefix_of(sequence), number);
  if (found.pending >= 0) return Begun::kPending;
  sequence.blocks = cache_->refer(found.blocks);
  generating.published = std::ssize(found.blocks);
  sequence.computed = generating.published * kPage;
  if (!cache_->has_room(sequence.tokens(), generating.published)) {
    release(sequence);
    return Begun::kNoRoom;
  }
  if (limits_.state_slots > 0) {
    sequence.state_slot = free_slots_.back();
    free_slots_.pop_back();
  }
  if (generating.cached_tokens < 0) {
    generating.cached_tokens = sequence.computed;
    queries_ += sequence.tokens();
    hits_ += sequence.computed;
  }
  return Begun::kYes;
}

int64_t GenerationQueue::fill(std::vector<Sequence>& batch, std::vector<Sequence>& ended,
                              int64_t budget, int64_t number) {
  take_given_up(waiting_, ended);
  take_given_up(running_, ended);
  const int64_t before = preemptions_;
  int64_t tokens = 0;
  if (!decoding_ && cache_) {
    for (auto at = running_.begin(); at != running_.end();) {
      if (!goes_on(*at)) {
        ++at;
        continue;
      }
      if (!make_room(at, at->tokens(), number)) break;  // it is the last
      const auto taken = at++;
      move_to(batch, running_, taken, taken->tokens());
      batch.back().generating->decoding = decoding_ = true;
      ++tokens;
    }
  }
  // Of prompts; a page at least where nothing else is to be done.
  int64_t left = tokens > 0 ? std::min(budget - tokens, limits_.chunk) : std::max(budget, kPage);
  const auto fits = [&](int64_t size) { return size > 0 && (size <= left || tokens == 0); };
  for (auto at = running_.begin(); at != running_.end();) {
    if (cache_ && goes_on(*at)) {
      ++at;
      continue;
    }
    const int64_t end = chunk_end(*at, left), size = end - at->computed;
    if (!fits(size)) break;
    if (!make_room(at, end, number)) break;
    const auto taken = at++;
    move_to(batch, running_, taken, end);
    tokens += size;
    left -= size;
  }
  if (preemptions_ > before) return tokens;
  for (auto at = waiting_.begin(); at != waiting_.end() && left > 0;) {
    if (std::ssize(running_) + in_batches_ >= limits_.max_num_seqs) break;
    const auto taken = at++;
    const Begun begun = begin(*taken, number);
    if (begun == Begun::kPending) continue;
    if (begun == Begun::kNoRoom) break;
    const int64_t end = chunk_end(*taken, left), size = end - taken->computed;
    if (!fits(size) || !grow(*taken, end, number)) {
      release(*taken);
      break;
    }
    move_to(batch, waiting_, taken, end);
    tokens += size;
    left -= size;
  }
  return tokens;
}

bool GenerationQueue::finish(Sequence& sequence, bool computed) {
  Generating& generating = *sequence.generating;
  --in_batches_;
  const bool cancelled = sequence.group->cancelled.load();
  if (cache_) {
    // What the batch was to compute of what others can find.
    const auto first = static_cast<size_t>(sequence.computed / kPage);
    std::vector<int32_t> all = sequence.blocks.blocks;
    all.insert(all.end(), sequence.new_blocks.begin(), sequence.new_blocks.end());
    const auto last = static_cast<size_t>(generating.published);
    if (first < last) cache_->set_computed(std::span(all).subspan(first, last - first), computed);
    if (computed) {
      cache_->advance(sequence.blocks, sequence.new_blocks, sequence.end);
      sequence.new_blocks.clear();
      sequence.computed = sequence.end;
    }
  }
  sequence.new_pages.clear();
  if (!computed || cancelled || generating.ended()) {
    release(sequence);
    return false;
  }
  insert(running_, std::move(sequence));
  return true;
}

void GenerationQueue::cancel(const Group& group, std::vector<Sequence>& cancelled) {
  for (List* list : {&waiting_, &running_}) {
    for (auto at = list->begin(); at != list->end();) {
      const auto next = std::next(at);
      if (at->group.get() == &group) {
        release(*at);
        cancelled.push_back(std::move(*at));
        list->erase(at);
      }
      at = next;
    }
  }
}

void GenerationQueue::clear(std::vector<Sequence>& all) {
  for (List* list : {&waiting_, &running_}) {
    for (Sequence& sequence : *list) {
      release(sequence);
      all.push_back(std::move(sequence));
    }
    list->clear();
  }
}

}  // namespace vecton::engine
