#include "generation/structure.h"

#include <cmath>
#include <string_view>
#include <utility>

#include "generation/sampling.h"
#include "vecton/error.h"

namespace vecton::generation {

namespace {

constexpr size_t kTail = 256;  // bytes beside the marker: of white space behind it

std::string_view without_end(std::string_view text) {
  const size_t last = text.find_last_not_of(" \t\r\n");
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

void take_away(std::span<float> logits, int32_t id) {
  if (static_cast<size_t>(id) < logits.size()) logits[static_cast<size_t>(id)] = -INFINITY;
}

void leave_only(std::span<float> logits, int32_t id) {
  for (size_t i = 0; i < logits.size(); ++i) {
    if (i != static_cast<size_t>(id)) logits[i] = -INFINITY;
  }
}

}  // namespace

Structure::Structure(std::unique_ptr<TokenConstraint> constraint,
                     const std::optional<StructuredOutput>& what,
                     std::shared_ptr<const Tokenizer> tokenizer)
    : constraint_(std::move(constraint)),
      begins_after_(what ? what->begins_after : std::vector<int32_t>()),
      thinking_begins_(what ? what->thinking_begins : std::vector<int32_t>()),
      state_(begins_after_.empty()      ? State::kHolds
             : thinking_begins_.empty() ? State::kWaits
                                        : State::kOpen) {
  if (!constraint_ || begins_after_.empty()) return;
  marker_ = without_end(tokenizer->decode(begins_after_));
  before_last_ = tokenizer->decode(std::span(begins_after_).first(begins_after_.size() - 1));
  detokenizer_.emplace(std::move(tokenizer), false);
}

// What ends a text is allowed where the constraint's text is whole.
void Structure::constrain(std::span<float> logits, std::span<const int32_t> ends) {
  allowed_.assign((logits.size() + 63) / 64, 0);
  constraint_->mask(allowed_);
  const bool may_end = constraint_->may_end();
  for (const int32_t id : ends) {
    const auto at = static_cast<size_t>(id);
    if (at >= logits.size()) continue;
    const uint64_t bit = uint64_t{1} << (at % 64);
    allowed_[at / 64] = may_end ? allowed_[at / 64] | bit : allowed_[at / 64] & ~bit;
  }
  if (state_ == State::kOpen) {
    const auto at = static_cast<size_t>(thinking_begins_.front());
    const uint64_t bit = uint64_t{1} << (at % 64);
    if (at >= logits.size() || (allowed_[at / 64] & bit) != 0) {
      state_ = State::kHolds;  // it can't be told from the structure
    } else {
      allowed_[at / 64] |= bit;
    }
  }
  generation::mask(logits, allowed_);
}

void Structure::mask(std::span<float> logits, std::span<const int32_t> ends) {
  if (!constraint_) return;
  switch (state_) {
    case State::kOpen:
    case State::kHolds:
      return constrain(logits, ends);
    case State::kThinking:
      return leave_only(logits, thinking_begins_[begun_]);
    case State::kWaits:
      break;
  }
  if (!before_last_.empty() && tail_.ends_with(before_last_))
    return leave_only(logits, begins_after_.back());
  for (const int32_t id : ends) take_away(logits, id);
}

void Structure::note(int32_t id) {
  tail_ += detokenizer_->push(id);
  if (tail_.size() > 2 * (marker_.size() + kTail))
    tail_.erase(0, tail_.size() - marker_.size() - kTail);
  if (without_end(tail_).ends_with(marker_)) state_ = State::kHolds;
}

void Structure::accept(int32_t id, bool ends) {
  if (!constraint_) return;
  switch (state_) {
    case State::kOpen:
      if (id == thinking_begins_.front()) {
        state_ = State::kThinking;
        break;
      }
      state_ = State::kHolds;
      [[fallthrough]];
    case State::kHolds:
      if (!ends && !constraint_->accept(id))
        throw Error(ErrorCode::kInternal, "a grammar refuses a token that it has allowed");
      return;
    case State::kThinking:
      break;
    case State::kWaits:
      return note(id);
  }
  note(id);
  if (++begun_ == thinking_begins_.size() && state_ == State::kThinking) state_ = State::kWaits;
}

}  // namespace vecton::generation
