// Structure: from where on a completion is held to its constraint, and what may come next for it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "generation/token_constraint.h"
#include "vecton/request.h"
#include "vecton/tokenizer.h"

namespace vecton::generation {

class Structure {
 public:
  // `what` says from where on `constraint` holds, which may be null: anything may come.
  Structure(std::unique_ptr<TokenConstraint> constraint,
            const std::optional<StructuredOutput>& what,
            std::shared_ptr<const Tokenizer> tokenizer);

  // Takes away the logits of what may not come next; `ends`: the tokens that end a text.
  void mask(std::span<float> logits, std::span<const int32_t> ends);
  // A token has come, which mask() had left.
  void accept(int32_t id, bool ends);
  // The text is whole and nothing can follow.
  bool finished() const { return holds() && constraint_->finished(); }
  bool holds() const { return constraint_ && state_ == State::kHolds; }

 private:
  enum class State {
    kOpen,      // thinking may begin, or the constraint
    kThinking,  // what thinking begins with has begun
    kWaits,     // for the end of thinking
    kHolds,
  };

  void constrain(std::span<float> logits, std::span<const int32_t> ends);
  void note(int32_t id);

  std::unique_ptr<TokenConstraint> constraint_;
  const std::vector<int32_t> begins_after_, thinking_begins_;
  std::string marker_;       // the text of begins_after_
  std::string before_last_;  // that of all but its last token
  State state_;
  size_t begun_ = 0;  // tokens of thinking_begins_ that have come
  std::optional<Detokenizer> detokenizer_;
  std::string tail_;  // of the text while it waits
  std::vector<uint64_t> allowed_;
};

}  // namespace vecton::generation
