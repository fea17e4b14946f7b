#include "grammar/recogniser.h"

#include <vector>

#include "grammar/limits.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

constexpr int kMaxSearchDepth = 1000;        // bytes
constexpr int kMaxItemDepth = 300;           // of one that is written
constexpr size_t kMaxSearchSteps = 200'000;  // of one Recogniser

}  // namespace

ParseState* Recogniser::tracked(ParseState* to, uint8_t byte) {
  tracker_.push(byte, to->opens);
  return to->pends() ? automaton_.resolved(to, tracker_.is_fresh()) : to;
}

bool Recogniser::settled(const ParseState* state) const {
  if (!tracker_.may_repeat()) return true;
  return state->item_done && !tracker_.array_may_repeat();
}

// Whitespace that may be left out makes no difference.
bool Recogniser::skips(uint8_t byte) const {
  return is_json_space(byte) && automaton_.grammar().space_is_optional && !tracker_.in_string();
}

bool Recogniser::searched(ParseState* state) {
  seen_.clear();
  return search(state, 0);
}

// Along what may repeat, to a byte behind which nothing does.
bool Recogniser::search(ParseState* state, int depth) {
  if (++steps_ > kMaxSearchSteps || depth > kMaxSearchDepth)
    throw Error(ErrorCode::kInvalidArgument,
                "the structure asked for is too complex: whether an item of an array can still "
                "differ from those before it takes too long to tell");
  const size_t key =
      tracker_.signature() ^ static_cast<size_t>(state->number) * 0x9E3779B97F4A7C15u;
  if (!seen_.insert(key).second) return false;
  const ArrayTracker::Place here = tracker_.place();
  std::vector<uint8_t> open;
  bool found = false;
  const auto look = [&](bool skipped) {
    for (unsigned i = 0; i < 256 && !found; ++i) {
      const auto byte = static_cast<uint8_t>(i + ' ');  // control characters come last
      if (skips(byte) != skipped) continue;
      ParseState* const to = next(state, byte);
      found = to && settled(to);
      if (to && !found) open.push_back(byte);
      tracker_.rewind(here);
    }
  };
  look(false);
  if (!found && open.empty()) look(true);
  for (size_t i = 0; i < open.size() && !found; ++i) {
    ParseState* const to = next(state, open[i]);
    found = to && search(to, depth + 1);
    tracker_.rewind(here);
  }
  return found;
}

bool Recogniser::write_item(ParseState*& state) { return search_item(state, 0); }

bool Recogniser::search_item(ParseState*& state, int depth) {
  if (++steps_ > kMaxSearchSteps || depth > kMaxItemDepth) return false;
  const ArrayTracker::Place here = tracker_.place();
  for (int pass = 0; pass < 2; ++pass) {
    for (unsigned i = 0; i < 256; ++i) {
      const auto byte = static_cast<uint8_t>(i + ' ');
      const bool ends = byte == '"' || byte == ']' || byte == '}';
      if (ends != (pass == 0) || skips(byte)) continue;
      if (ParseState* to = next(state, byte)) {
        if (to->item_done && tracker_.is_outermost()) {
          state = to;
          return true;
        }
        if (search_item(to, depth + 1)) {
          state = to;
          return true;
        }
      }
      tracker_.rewind(here);
    }
  }
  return false;
}

}  // namespace vecton::grammar
