#include "engine/scheduler.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/images.h"

namespace vecton::engine {

namespace {

// The end of a block, `end` or a later one, that divides no image; or that of the sequence.
int64_t chunk_end(const Sequence& sequence, int64_t end) {
  while (end < sequence.tokens() && divided_image(sequence, end)) end += PrefixIndex::kPageTokens;
  return std::min(end, sequence.tokens());
}

}  // namespace

Scheduler::Scheduler(const Limits& limits) : limits_(limits) {
  if (limits.cache_pages > 0)
    cache_ = std::make_unique<KvCacheManager>(limits.cache_pages, limits.cache_windows,
                                              limits.generation.state_slots);
  if (cache_) cache_->set_chunk(std::max(limits.max_batch_tokens, PrefixIndex::kPageTokens));
  if (limits.generates)
    generation_ = std::make_unique<GenerationQueue>(limits.generation, cache_.get());
}

bool Scheduler::has_room(int64_t tokens) const {
  return waiting() == 0 || waiting_tokens() + tokens <= limits_.max_queue_tokens;
}

int64_t Scheduler::ready_batches() const {
  const int64_t least =
      std::max<int64_t>(1, std::min(limits_.min_batch_tokens, limits_.max_batch_tokens));
  return std::min(ready_sequences_, (ready_tokens_ + least - 1) / least) +
         (generation_ ? generation_->ready_batches() : 0);
}

int64_t Scheduler::Waits::tokens() const {
  int64_t tokens = begun.tokens;
  for (const Queue& queue : ready) tokens += queue.tokens;
  return tokens;
}

// One more or less in a queue.
void Scheduler::count(Queue& queue, const Sequence& sequence, int64_t sign) {
  const int64_t tokens = sign * sequence.tokens();
  queue.tokens += tokens;
  tokens_ += tokens;
  waiting_ += sign;
  if (!queue.ready) return;
  ready_tokens_ += tokens;
  ready_sequences_ += sign;
}

void Scheduler::insert(Queue& queue, Sequence sequence) {
  count(queue, sequence, 1);
  Places& places = places_[sequence.group.get()];
  const size_t index = sequence.index;
  if (places.at.size() <= index) places.at.resize(index + 1);
  places.at[index] = queue.list.insert(queue.list.end(), {std::move(sequence), &queue});
  ++places.waiting;
}

Sequence Scheduler::remove(Place place) {
  Queue& queue = *place->queue;
  Sequence sequence = std::move(place->sequence);
  queue.list.erase(place);
  count(queue, sequence, -1);
  const auto places = places_.find(sequence.group.get());
  places->second.at[sequence.index].reset();
  if (--places->second.waiting == 0) places_.erase(places);
  return sequence;
}

void Scheduler::park(int32_t block, Place place) {
  const auto [found, added] = parked_for_[block].try_emplace(place->sequence.turn);
  if (added) {
    found->second = parked_.emplace(parked_.end());
    found->second->ready = false;
  }
  Queue& queue = *found->second;
  count(*place->queue, place->sequence, -1);
  queue.list.splice(queue.list.end(), place->queue->list, place);
  place->queue = &queue;
  count(queue, place->sequence, 1);
}

// Those that waited for the block came before all of their request that are ready.
void Scheduler::unpark(int32_t block) {
  if (generation_) generation_->unpark(block);
  const auto found = parked_for_.find(block);
  if (found == parked_for_.end()) return;
  for (const auto& [turn, queue] : found->second) {
    queue->ready = true;
    ready_tokens_ += queue->tokens;
    ready_sequences_ += static_cast<int64_t>(queue->list.size());
    std::list<Queue>& ready = requests_[turn].ready;
    ready.splice(ready.begin(), parked_, queue);
  }
  parked_for_.erase(found);
}

void Scheduler::push(std::vector<Sequence> sequences) {
  std::map<int64_t, int64_t> tokens;  // by priority
  for (const Sequence& sequence : sequences) {
    if (!sequence.generating) tokens[sequence.priority] += sequence.tokens();
  }
  std::map<int64_t, Turn> turns;
  ++arrived_;
  for (const auto& [priority, sum] : tokens)
    turns[priority] = {priority, sharing_[priority].arrive(sum), arrived_};
  for (Sequence& sequence : sequences) {
    if (sequence.generating) {
      generation_->push(std::move(sequence));
      continue;
    }
    if (cache_) cache_->note(prefix_of(sequence));
    sequence.turn = turns[sequence.priority];
    Queue& came = requests_[sequence.turn].ready.back();
    insert(came, std::move(sequence));
  }
}

void Scheduler::served(int64_t priority, int64_t tokens) {
  if (tokens == 0) return;
  const auto sharing = sharing_.find(priority);
  sharing->second.serve(tokens);
  if (sharing->second.idle()) sharing_.erase(sharing);
}

// What has not been computed of it is nobody's turn.
void Scheduler::give_up(Sequence& sequence) {
  served(sequence.turn.priority, sequence.tokens() - sequence.end);
  release(sequence);
}

void Scheduler::release(Sequence& sequence) {
  if (cache_) {
    cache_->release(sequence.blocks);
    cache_->unreserve(std::exchange(sequence.reserved, 0));
  }
  sequence.blocks = {};
}

void Scheduler::cancel(const Group& group) {
  if (generation_) generation_->cancel(group, cancelled_);
  const auto places = places_.find(&group);
  if (places == places_.end()) return;
  for (const std::optional<Place>& place : std::vector(places->second.at)) {
    if (!place) continue;
    cancelled_.push_back(remove(*place));
    give_up(cancelled_.back());
  }
}

// Blocks up to the token `end` for the sequence's part of this batch.
void Scheduler::allocate(Sequence& sequence, int64_t end) {
  sequence.end = end;
  if (!cache_ || sequence.page_keys.empty()) return;
  if (sequence.reserved > 0) {
    sequence.new_blocks = cache_->allocate_reserved(prefix_of(sequence), sequence.blocks.blocks,
                                                    end, batch_, sequence.reserved);
  } else {
    sequence.new_blocks =
        cache_->allocate(prefix_of(sequence), sequence.blocks.blocks, end, batch_);
  }
  cache_->block_tables(sequence.new_blocks, sequence.new_pages);
  if (!sequence.is_chunk()) cache_->unreserve(std::exchange(sequence.reserved, 0));
}

int64_t Scheduler::chunk_tokens() const {
  return std::max(limits_.max_batch_tokens, PrefixIndex::kPageTokens);
}

// Whether it may be computed in chunks, or go on so: the pages that it will take are owed to it
// from now on. False where there are not so many. In the middle that is so only where others have
// come to share pages that it no longer sees: the rest is one piece then, whose pages are kept
// where there is room.
bool Scheduler::owe_pages(Sequence& sequence) {
  const int64_t needed = cache_->pages_owed(
      sequence.blocks, (sequence.tokens() - sequence.cached()) / PrefixIndex::kPageTokens,
      2 * chunk_tokens() / PrefixIndex::kPageTokens);
  const int64_t owed = std::exchange(sequence.reserved, 0);
  cache_->unreserve(owed);
  if (!cache_->reserve(needed)) return false;
  sequence.reserved = needed;
  return true;
}

Scheduler::Taken Scheduler::take(Queue& queue, int64_t budget, Step& step) {
  const Place place = queue.list.begin();
  Sequence& sequence = place->sequence;
  const bool with_cache = cache_ && !sequence.page_keys.empty();
  const bool goes_on = !sequence.blocks.blocks.empty();
  PrefixIndex::Found found;
  if (with_cache && !goes_on) found = cache_->find(prefix_of(sequence), batch_);
  if (found.pending >= 0) {
    park(found.pending, place);
    return Taken::kParked;
  }
  int64_t end = sequence.tokens();
  const int64_t cached = goes_on
                             ? sequence.cached()
                             : static_cast<int64_t>(found.blocks.size()) * PrefixIndex::kPageTokens;
  const bool fits = step.batch.empty() || batch_tokens_ + end - cached <= budget;
  if (!fits) return Taken::kTooBig;
  if (with_cache) {
    if (!goes_on) sequence.blocks = cache_->refer(std::move(found.blocks));
    cache_->block_tables(sequence.blocks, sequence.block_tables);
    const bool is_long = end - cached > 2 * chunk_tokens() && !sequence.whole;
    const bool owed = (is_long || sequence.reserved > 0) && owe_pages(sequence);
    if (is_long && owed)
      end = chunk_end(sequence, (cached + chunk_tokens()) / PrefixIndex::kPageTokens *
                                    PrefixIndex::kPageTokens);
    if (sequence.end == 0) {  // not when it goes on
      stats_.queries += sequence.tokens();
      stats_.hits += cached;
    }
  }
  served(sequence.turn.priority, end - sequence.end);
  allocate(sequence, end);
  batch_tokens_ += end - cached;
  step.batch.push_back(remove(place));
  return Taken::kYes;
}

bool Scheduler::fill(Queue& queue, int64_t budget, Step& step) {
  while (!queue.list.empty()) {
    ++looks_;
    const Place first = queue.list.begin();
    if (first->sequence.group->cancelled.load()) {
      step.cancelled.push_back(remove(first));
      give_up(step.cancelled.back());
      continue;
    }
    const Taken taken = take(queue, budget, step);
    if (taken == Taken::kTooBig) return false;
    if (taken == Taken::kParked && ++parked_now_ == kMostParked) return false;
  }
  return true;
}

bool Scheduler::fill(std::list<Queue>& ready, int64_t budget, Step& step) {
  for (;;) {
    if (!fill(ready.front(), budget, step)) return false;
    if (ready.size() == 1) return true;
    ready.pop_front();
  }
}

// After a chunk those that have not begun come first, so that they get their turn.
bool Scheduler::fill(Waits& request, int64_t budget, Step& step) {
  if (chunk_last_) return fill(request.ready, budget, step) && fill(request.begun, budget, step);
  return fill(request.begun, budget, step) && fill(request.ready, budget, step);
}

void Scheduler::fill(int64_t budget, Step& step) {
  int64_t last_arrived = 0;  // of the requests in the batch
  while (!requests_.empty()) {
    auto& [turn, request] = *requests_.begin();
    const bool passed = turn.arrived < last_arrived && request.tokens() > limits_.max_batch_tokens;
    if (!fill(request, passed ? std::min(budget, limits_.min_batch_tokens) : budget, step)) return;
    last_arrived = std::max(last_arrived, turn.arrived);
    requests_.erase(requests_.begin());  // nothing of it is left
  }
}

Scheduler::Step Scheduler::next() {
  Step step;
  step.cancelled = std::exchange(cancelled_, {});
  const int64_t share = (tokens_ + limits_.workers - 1) / limits_.workers;
  const int64_t budget =
      std::clamp(share, std::min(limits_.min_batch_tokens, limits_.max_batch_tokens),
                 limits_.max_batch_tokens);
  parked_now_ = 0;
  ++batch_;
  batch_tokens_ = 0;
  if (generation_ && !std::exchange(others_turn_, false)) {
    batch_tokens_ = generation_->fill(step.batch, step.ended, limits_.max_batch_tokens, batch_);
  }
  const size_t generating = step.batch.size();
  fill(budget, step);
  chunk_last_ = !step.batch.empty() && step.batch.back().is_chunk();
  // What did not fit beside those that generate is not to wait until they have ended.
  others_turn_ = generating > 0 && step.batch.size() == generating && ready_sequences_ > 0;
  step.more =
      step.batch.empty() && (ready_sequences_ > 0 || (generation_ && generation_->has_more()));
  return step;
}

// After a chunk: its blocks stay referred to.
void Scheduler::go_on(Sequence sequence, bool computed) {
  if (computed) {
    cache_->extend(sequence.blocks, sequence.new_blocks);
    owe_pages(sequence);  // those that it has released, before anybody else takes them
  } else {
    cache_->release(sequence.new_blocks);
    release(sequence);
    sequence.whole = true;
  }
  sequence.new_blocks.clear();
  sequence.new_pages.clear();
  Queue& begun = requests_[sequence.turn].begun;
  insert(begun, std::move(sequence));
}

void Scheduler::finish(std::vector<Sequence>& batch, bool computed) {
  std::vector<Sequence> answered;
  const auto goes_on = [](const Sequence& s) { return s.generating && s.generating->decoding; };
  if (std::ranges::any_of(batch, goes_on)) generation_->finish_decoding();
  for (Sequence& sequence : batch) {
    if (sequence.generating) {
      std::vector<int32_t> blocks;
      const bool taken_back = generation_->finish(sequence, computed, blocks);
      for (const int32_t block : blocks) unpark(block);
      if (taken_back) continue;
      const bool given_up = sequence.group->cancelled.load() && !sequence.generating->ended();
      (given_up ? cancelled_ : answered).push_back(std::move(sequence));
      continue;
    }
    if (cache_) {
      cache_->set_computed(sequence.new_blocks, computed);
      for (const int32_t block : sequence.new_blocks) unpark(block);
    }
    const bool cancelled = sequence.group->cancelled.load();
    if (sequence.is_chunk() && !cancelled) {
      go_on(std::move(sequence), computed);
      continue;
    }
    if (cache_) cache_->extend(sequence.blocks, sequence.new_blocks);
    give_up(sequence);  // of its turn nothing, where it has been computed
    (sequence.is_chunk() ? cancelled_ : answered).push_back(std::move(sequence));
  }
  batch = std::move(answered);
}

std::vector<Sequence> Scheduler::clear() {
  std::vector<Sequence> all = std::exchange(cancelled_, {});
  if (generation_) generation_->clear(all);
  const auto drain = [&](Queue& queue) {
    while (!queue.list.empty()) {
      all.push_back(remove(queue.list.begin()));
      release(all.back());
    }
  };
  for (auto& [turn, request] : requests_) {
    drain(request.begun);
    for (Queue& queue : request.ready) drain(queue);
  }
  for (Queue& queue : parked_) drain(queue);
  return all;
}

Scheduler::CacheStats Scheduler::cache_stats() const {
  CacheStats stats = stats_;
  if (cache_) {
    stats.pages = cache_->pages();
    stats.used = cache_->used();
    stats.in_use = cache_->in_use();
  }
  if (generation_) {
    stats.queries += generation_->queries();
    stats.hits += generation_->hits();
    stats.preemptions = generation_->preemptions();
  }
  return stats;
}

}  // namespace vecton::engine
