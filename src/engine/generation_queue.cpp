#include "engine/generation_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/images.h"

namespace vecton::engine {

namespace {

int64_t blocks_of(int64_t tokens) {
  return (tokens + PrefixIndex::kPageTokens - 1) / PrefixIndex::kPageTokens;
}

}  // namespace

GenerationQueue::GenerationQueue(const Limits& limits, KvCacheManager* cache)
    : limits_(limits), cache_(cache) {}

// Its prompt is computed.
bool GenerationQueue::goes_on(const Sequence& sequence) {
  return sequence.computed > 0 && sequence.computed + 1 == sequence.tokens();
}

GenerationQueue::Key GenerationQueue::key_of(const Sequence& sequence) {
  return {sequence.priority, sequence.generating->order};
}

void GenerationQueue::push(Sequence sequence) {
  sequence.generating->order = next_order_++;
  if (cache_ && sequence.generating->shares) cache_->note(prefix_of(sequence));
  const Key key = key_of(sequence);
  members_[sequence.group.get()].emplace(key, sequence.generating->stream.get());
  waiting_.insert(key, std::move(sequence));
}

std::optional<Sequence> GenerationQueue::take(const Key& key) {
  List::node_type node = running_.extract(key);
  return node.empty() ? waiting_.remove(key) : std::optional(std::move(node.mapped()));
}

void GenerationQueue::forget(const Sequence& sequence) {
  const auto members = members_.find(sequence.group.get());
  members->second.erase(key_of(sequence));
  if (members->second.empty()) members_.erase(members);
}

int64_t GenerationQueue::ready_batches() const {
  constexpr auto kSequence = &List::value_type::second;
  const bool going_on = !decoding_ && std::ranges::any_of(running_, goes_on, kSequence);
  const bool prompts = waiting_.has_ready() || !std::ranges::all_of(running_, goes_on, kSequence);
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
  if (sequence.state_slot > 0) cache_->states().give_back(std::exchange(sequence.state_slot, 0));
  finish_snapshot(sequence, false);
  sequence.blocks = {};
  sequence.new_blocks.clear();
  sequence.computed = sequence.stored = generating.published = 0;
  generating.snapshot = -1;
}

// One slot is that of the only sequence that runs.
bool GenerationQueue::leaves_snapshots(const Sequence& sequence) const {
  return limits_.state_slots > 1 && sequence.generating->shares;
}

// Where the chunk ends with a block that others can find, and there is a slot.
void GenerationQueue::begin_snapshot(Sequence& sequence) {
  const int64_t blocks = sequence.end / PrefixIndex::kPageTokens,
                old = std::ssize(sequence.blocks.blocks);
  if (!leaves_snapshots(sequence) || sequence.end % PrefixIndex::kPageTokens != 0 ||
      sequence.generating->published < blocks)
    return;
  const int32_t block = blocks <= old ? sequence.blocks.blocks[static_cast<size_t>(blocks - 1)]
                                      : sequence.new_blocks[static_cast<size_t>(blocks - 1 - old)];
  if (!cache_->states().has(block)) sequence.snapshot_slot = cache_->states().take().value_or(0);
}

// The batch has been computed, or never will be. Of what a sequence writes one snapshot is kept.
void GenerationQueue::finish_snapshot(Sequence& sequence, bool computed) {
  if (sequence.state_block >= 0) cache_->states().release(std::exchange(sequence.state_block, -1));
  sequence.read_slot = 0;
  const int32_t slot = std::exchange(sequence.snapshot_slot, 0);
  if (slot == 0) return;
  if (!computed) return cache_->states().give_back(slot);
  const int32_t block =
      sequence.blocks.blocks[static_cast<size_t>(sequence.end / PrefixIndex::kPageTokens - 1)];
  cache_->states().keep(block, slot);
  if (sequence.end <= sequence.generating->prompt_tokens) return;
  int32_t& last = sequence.generating->snapshot;
  if (last >= 0) cache_->states().forget(last);
  last = block;
}

void GenerationQueue::preempt(List::iterator sequence) {
  ++preemptions_;
  begin_anew(std::move(running_.extract(sequence).mapped()));
}

void GenerationQueue::begin_anew(Sequence sequence) {
  release(sequence);
  const Key key = key_of(sequence);
  waiting_.insert(key, std::move(sequence));
}

void GenerationQueue::extend_keys(Sequence& sequence) const {
  PrefixIndex::extend(sequence.page_keys, sequence.ids, sequence.cache_salt, sequence.images);
}

// Whole blocks can be found by others, also while `number` computes them.
void GenerationQueue::publish(Sequence& sequence, int64_t blocks, int64_t number) {
  Generating& generating = *sequence.generating;
  extend_keys(sequence);
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
  if (sequence.computed < sequence.stored) {
    BlockList before = sequence.blocks;
    before.blocks.resize(static_cast<size_t>(blocks_of(sequence.computed)));
    cache_->block_tables(before, sequence.block_tables);
  } else {
    cache_->block_tables(sequence.blocks, sequence.block_tables);
  }
  cache_->block_tables(sequence.new_blocks, sequence.new_pages);
  if (sequence.generating->publishes)
    publish(sequence, std::min(end, sequence.tokens()) / PrefixIndex::kPageTokens, number);
  return true;
}

// Its draft becomes the last of its tokens, at most `most` of them, if there are blocks for it:
// nobody gives pages back for a guess.
bool GenerationQueue::take_draft(Sequence& sequence, int64_t most, int64_t number) {
  const std::vector<int32_t> draft = std::exchange(sequence.generating->draft, {});
  if (limits_.long_after > 0 && !sequence.is_long)
    most = std::min(most, limits_.long_after - sequence.tokens());
  const int64_t drafted = std::min(most, std::ssize(draft));
  if (drafted < 1 || !grow(sequence, sequence.tokens() + drafted, number)) return false;
  sequence.ids.insert(sequence.ids.end(), draft.begin(), draft.begin() + drafted);
  sequence.drafted = drafted;
  return true;
}

// Those that came later give their pages back, until there are enough. False = the sequence has to
// wait; where others came before it, without its own.
bool GenerationQueue::make_room(List::iterator sequence, int64_t end, int64_t number) {
  while (!grow(sequence->second, end, number)) {
    const auto last = std::prev(running_.end());
    if (last == sequence) {
      if (in_batches_ > 0 || running_.size() > 1) preempt(sequence);
      return false;
    }
    preempt(last);
  }
  return true;
}

// Those of a group, or of one of its streams, that are in no batch. The others are seen to when
// their batches come back.
void GenerationQueue::give_up(const Group& group, const Stream* stream,
                              std::vector<Sequence>& given_up) {
  const auto members = members_.find(&group);
  if (members == members_.end()) return;
  for (const auto& [key, of] : std::map(members->second)) {
    if (stream && of != stream) continue;
    std::optional<Sequence> sequence = take(key);
    if (!sequence) continue;
    release(*sequence);
    forget(*sequence);
    given_up.push_back(std::move(*sequence));
  }
}

void GenerationQueue::move_to(std::vector<Sequence>& batch, Sequence sequence, int64_t end) {
  sequence.end = end;
  sequence.generating->decoding = false;
  begin_snapshot(sequence);
  batch.push_back(std::move(sequence));
  ++in_batches_;
}

// Where the next chunk of at most `budget` tokens ends; the beginning = not now.
int64_t GenerationQueue::chunk_end(const Sequence& sequence, int64_t budget) const {
  const int64_t from = sequence.computed, tokens = sequence.tokens();
  if (!cache_) return tokens;
  int64_t end =
      tokens - from <= budget
          ? tokens
          : std::max(from, (from + budget) / PrefixIndex::kPageTokens * PrefixIndex::kPageTokens);
  if (const heads::ImageTokens* image = divided_image(sequence, end))
    end = image->begin > from ? image->begin : image->end;
  if (!leaves_snapshots(sequence)) return end;
  for (const int64_t edge :
       {sequence.stored, (tokens - 1) / PrefixIndex::kPageTokens * PrefixIndex::kPageTokens}) {
    if (from < edge && edge < end) end = edge;
  }
  return end;
}

// Refers to the blocks that the cache has of it, and to the state that it goes on from. The block
// that it has to wait for, or -1.
int32_t GenerationQueue::find(Sequence& sequence, int64_t number) {
  Generating& generating = *sequence.generating;
  const bool states = limits_.state_slots > 0;
  PrefixIndex::Found found;
  // States are there when the batch that computes them is done, unlike keys and values.
  if (generating.shares && !generating.wants_prompt_rows() &&
      (!states || leaves_snapshots(sequence)))
    found = cache_->find(prefix_of(sequence), states ? 0 : number);
  if (found.pending >= 0) return found.pending;
  int64_t known = std::ssize(found.blocks);
  if (states) {
    known = cache_->states().usable(found.blocks);
    // What windows see from there may be gone.
    if (known < std::ssize(found.blocks) && cache_->has_windows()) {
      known = 0;
      found.blocks.clear();
    }
  }
  if (states && known > 0) {
    sequence.state_block = found.blocks[static_cast<size_t>(known - 1)];
    sequence.read_slot = cache_->states().refer(sequence.state_block);
  }
  generating.published = std::ssize(found.blocks);
  sequence.computed = known * PrefixIndex::kPageTokens;
  sequence.stored = generating.published * PrefixIndex::kPageTokens;
  sequence.blocks = cache_->refer(std::move(found.blocks));
  return -1;
}

// With what the cache has of it.
GenerationQueue::Begun GenerationQueue::begin(Sequence& sequence, int64_t number) {
  Generating& generating = *sequence.generating;
  if (!cache_) return {.yes = true};
  generating.publishes = generating.shares;
  if (const int32_t pending = find(sequence, number); pending >= 0) return {.pending = pending};
  const bool room = cache_->has_room(sequence.tokens(), generating.published);
  if (room && limits_.state_slots > 0) sequence.state_slot = cache_->states().take().value_or(0);
  if (!room || (limits_.state_slots > 0 && sequence.state_slot == 0)) {
    release(sequence);
    return {};
  }
  if (generating.cached_tokens < 0) {
    generating.cached_tokens = sequence.computed;
    queries_ += sequence.tokens();
    hits_ += sequence.computed;
  }
  return {.yes = true};
}

int64_t GenerationQueue::fill(std::vector<Sequence>& batch, std::vector<Sequence>& ended,
                              int64_t budget, int64_t number) {
  std::ranges::move(std::exchange(ended_, {}), std::back_inserter(ended));
  const int64_t before = preemptions_;
  int64_t tokens = 0;
  if (!decoding_ && cache_) {
    for (auto at = running_.begin(); at != running_.end();) {
      if (!goes_on(at->second)) {
        ++at;
        continue;
      }
      if (!take_draft(at->second, limits_.draft_rows - tokens - 1, number) &&
          !make_room(at, at->second.tokens(), number))
        break;  // it is the last
      const int64_t end = at->second.tokens();
      tokens += end - at->second.computed;
      move_to(batch, std::move(running_.extract(at++).mapped()), end);
      batch.back().generating->decoding = decoding_ = true;
    }
  }
  // Of prompts; a page at least where nothing else is to be done.
  const int64_t most = tokens > 0 ? std::min(budget - tokens, limits_.chunk)
                                  : std::max(budget, PrefixIndex::kPageTokens);
  int64_t left = most;
  for (auto at = running_.begin(); at != running_.end();) {
    if (cache_ && goes_on(at->second)) {
      ++at;
      continue;
    }
    const int64_t end = chunk_end(at->second, left), size = end - at->second.computed;
    if (size <= 0 || (size > left && left < most)) break;
    if (!make_room(at, end, number)) break;
    move_to(batch, std::move(running_.extract(at++).mapped()), end);
    tokens += size;
    left -= size;
  }
  if (preemptions_ == before) tokens += fill_from_waiting(batch, most, left, number);
  return tokens;
}

// `left` of the `most` tokens that prompts may have are still to be had. What can't be divided goes
// beyond them, alone.
int64_t GenerationQueue::fill_from_waiting(std::vector<Sequence>& batch, int64_t most, int64_t left,
                                           int64_t number) {
  int64_t tokens = 0;
  int64_t parked = 0;
  has_more_ = false;
  while (left > 0 && std::ssize(running_) + in_batches_ < limits_.max_num_seqs) {
    Sequence* first = waiting_.first();
    if (!first) break;
    ++looks_;
    const Begun begun = begin(*first, number);
    if (begun.pending >= 0) {
      waiting_.park_first(begun.pending);
      has_more_ = ++parked == kMostParked;
      if (has_more_) break;
      continue;
    }
    if (!begun.yes) break;
    const int64_t end = chunk_end(*first, left), size = end - first->computed;
    if (size <= 0 || (size > left && left < most) || !grow(*first, end, number)) {
      release(*first);
      break;
    }
    move_to(batch, waiting_.take_first(), end);
    tokens += size;
    left -= size;
  }
  return tokens;
}

bool GenerationQueue::finish(Sequence& sequence, bool computed, std::vector<int32_t>& blocks) {
  Generating& generating = *sequence.generating;
  --in_batches_;
  const bool cancelled = sequence.group->cancelled.load();
  // What was computed of a draft that was wrong is of no use; blocks that a right one has filled
  // are there for others.
  if (computed) sequence.end = std::min(sequence.end, sequence.tokens() - 1);
  if (cache_) {
    if (computed && generating.publishes)
      publish(sequence, sequence.end / PrefixIndex::kPageTokens, 0);
    // What the batch was to compute of what others can find.
    const auto first = static_cast<size_t>(sequence.stored / PrefixIndex::kPageTokens);
    std::vector<int32_t> all = sequence.blocks.blocks;
    all.insert(all.end(), sequence.new_blocks.begin(), sequence.new_blocks.end());
    const auto last = static_cast<size_t>(generating.published);
    if (first < last) {
      const std::span shared = std::span(all).subspan(first, last - first);
      cache_->set_computed(shared, computed);
      blocks.insert(blocks.end(), shared.begin(), shared.end());
    }
    if (computed) {
      cache_->advance(sequence.blocks, sequence.new_blocks, sequence.end);
      sequence.new_blocks.clear();
      sequence.computed = sequence.end;
      sequence.stored = std::max(sequence.stored, sequence.end);
      cache_->cut(sequence.blocks, sequence.stored);
      finish_snapshot(sequence, true);
    }
  }
  sequence.new_pages.clear();
  if (generating.stream->given_up) give_up(*sequence.group, generating.stream.get(), ended_);
  if (!computed || cancelled || generating.ended()) {
    release(sequence);
    forget(sequence);
    return false;
  }
  if (generating.stream->given_up) {
    release(sequence);
    forget(sequence);
    ended_.push_back(std::move(sequence));
  } else if (cache_ && !sequence.is_long && limits_.long_after > 0 &&
             sequence.tokens() > limits_.long_after) {
    sequence.become_long();
    if (generating.shares) extend_keys(sequence);
    begin_anew(std::move(sequence));
  } else {
    const Key key = key_of(sequence);
    running_.emplace(key, std::move(sequence));
  }
  return true;
}

void GenerationQueue::clear(std::vector<Sequence>& all) {
  std::ranges::move(std::exchange(ended_, {}), std::back_inserter(all));
  std::ranges::move(waiting_.clear(), std::back_inserter(all));
  for (auto& [key, sequence] : std::exchange(running_, {})) {
    release(sequence);
    all.push_back(std::move(sequence));
  }
  members_.clear();
}

}  // namespace vecton::engine
