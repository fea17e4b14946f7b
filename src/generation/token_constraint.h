// TokenConstraint: which tokens may come next in one completion, so that its text is what was asked
// for. The seam to grammars.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "vecton/request.h"

namespace vecton::generation {

class TokenConstraint {
 public:
  virtual ~TokenConstraint() = default;
  // Sets the bit allowed[id / 64] >> (id % 64) & 1 of every token that may come next and clears all
  // others. Tokens that end a text are none of its business.
  virtual void mask(std::span<uint64_t> allowed) = 0;
  // Whether the text so far is whole: a token that ends it may come.
  virtual bool may_end() const = 0;
  // False = the token may not come; nothing has changed.
  virtual bool accept(int32_t id) = 0;
  // The text is whole and nothing can follow.
  virtual bool finished() const = 0;
  virtual std::unique_ptr<TokenConstraint> clone() const = 0;
};

// Of one tokenizer; thread-safe.
class ConstraintFactory {
 public:
  virtual ~ConstraintFactory() = default;
  // Errors name what of it is wrong or not supported.
  virtual std::unique_ptr<TokenConstraint> make(const StructuredOutput& what) const = 0;
};

}  // namespace vecton::generation
