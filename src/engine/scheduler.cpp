#include "engine/scheduler.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace vecton {

namespace {

PrefixCache::Prefix prefix_of(const Sequence& sequence) {
  return {sequence.ids, sequence.page_keys, sequence.cache_salt};
}

}  // namespace

Scheduler::Scheduler(const Limits& limits) : limits_(limits) {
  if (limits.cache_pages > 0) cache_.emplace(limits.cache_pages);
}

bool Scheduler::has_room(int64_t tokens) const {
  return queue_.empty() || tokens_ + tokens <= limits_.max_queue_tokens;
}

int64_t Scheduler::waiting_batches() const {
  const int64_t least =
      std::max<int64_t>(1, std::min(limits_.min_batch_tokens, limits_.max_batch_tokens));
  return std::min(waiting(), (tokens_ + least - 1) / least);
}

void Scheduler::push(std::vector<Sequence> sequences) {
  for (Sequence& sequence : sequences) {
    tokens_ += sequence.tokens();
    if (cache_) cache_->note(prefix_of(sequence));
    queue_.push_back(std::move(sequence));
  }
}

// A part of a long sequence: the tokens after `found`, as many as a batch holds, for their pages.
bool Scheduler::take_chunk(const Sequence& sequence, std::vector<int32_t> found, Step& step) {
  constexpr int64_t kPage = PrefixCache::kPageTokens;
  const auto cached = static_cast<int64_t>(found.size()) * kPage;
  const int64_t end = (cached + std::max(limits_.max_batch_tokens, kPage)) / kPage * kPage;
  std::vector<int32_t> claims = cache_->claim(prefix_of(sequence), found, end, batch_, true);
  if (cached + static_cast<int64_t>(claims.size()) * kPage < end) {
    cache_->release(found, claims, false);  // no room for all of it: it is computed as a whole
    return false;
  }
  Sequence chunk;
  chunk.prefix_only = true;
  chunk.ids.assign(sequence.ids.begin(), sequence.ids.begin() + end);
  chunk.pages = std::move(found);
  chunk.claims = std::move(claims);
  step.batch.push_back(std::move(chunk));
  return true;
}

Scheduler::Taken Scheduler::take(Sequence& sequence, int64_t budget, Step& step) {
  int64_t tokens = sequence.tokens();
  if (cache_ && !sequence.page_keys.empty()) {
    const PrefixCache::Found found = cache_->find(prefix_of(sequence), batch_);
    if (found.pending) return Taken::kWaits;
    tokens -= static_cast<int64_t>(found.pages.size()) * PrefixCache::kPageTokens;
    if (step.batch.empty() && chunks_ && tokens > 2 * limits_.max_batch_tokens &&
        take_chunk(sequence, found.pages, step)) {
      return Taken::kTooBig;  // its chunk is the batch; the sequence itself stays
    }
    if (!step.batch.empty() && batch_tokens_ + tokens > budget) return Taken::kTooBig;
    sequence.pages = found.pages;
    sequence.claims = cache_->claim(prefix_of(sequence), found.pages, sequence.tokens(), batch_);
    stats_.queries += sequence.tokens();
    stats_.hits += sequence.cached();
  } else if (!step.batch.empty() && batch_tokens_ + tokens > budget) {
    return Taken::kTooBig;
  }
  tokens_ -= sequence.tokens();
  batch_tokens_ += tokens;
  step.batch.push_back(std::move(sequence));
  return Taken::kYes;
}

Scheduler::Step Scheduler::next() {
  Step step;
  const int64_t share = (tokens_ + limits_.workers - 1) / limits_.workers;
  const int64_t budget =
      std::clamp(share, std::min(limits_.min_batch_tokens, limits_.max_batch_tokens),
                 limits_.max_batch_tokens);
  batch_tokens_ = 0;
  ++batch_;
  auto kept = queue_.begin();  // where the next sequence that stays goes
  auto at = queue_.begin();
  for (; at != queue_.end(); ++at) {
    if (at->group->cancelled->load()) {
      tokens_ -= at->tokens();
      step.cancelled.push_back(std::move(*at));
      continue;
    }
    const bool other = !step.batch.empty() && at->tasks != step.batch.front().tasks;
    const Taken taken = other ? Taken::kWaits : take(*at, budget, step);
    if (taken == Taken::kTooBig) break;
    if (taken == Taken::kYes) continue;
    if (kept != at) *kept = std::move(*at);
    ++kept;
  }
  queue_.erase(kept, at);
  return step;
}

void Scheduler::finish(const std::vector<Sequence>& batch, bool computed) {
  for (const Sequence& sequence : batch) {
    if (cache_) cache_->release(sequence.pages, sequence.claims, computed);
    if (sequence.prefix_only && !computed) chunks_ = false;
  }
}

std::vector<Sequence> Scheduler::clear() {
  tokens_ = 0;
  std::vector<Sequence> all(std::move_iterator(queue_.begin()), std::move_iterator(queue_.end()));
  queue_.clear();
  return all;
}

Scheduler::CacheStats Scheduler::cache_stats() const {
  CacheStats stats = stats_;
  if (cache_) {
    stats.pages = cache_->pages();
    stats.used = cache_->used();
  }
  return stats;
}

}  // namespace vecton
