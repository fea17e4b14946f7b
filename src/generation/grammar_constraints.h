// Constraints of the grammars in grammar/, for one tokenizer.
#pragma once

#include <memory>

#include "generation/token_constraint.h"
#include "vecton/tokenizer.h"

namespace vecton::generation {

std::shared_ptr<const ConstraintFactory> make_grammar_constraints(
    std::shared_ptr<const Tokenizer> tokenizer);

}  // namespace vecton::generation
