// Heads: the heads of a plan, read from its checkpoint, one per task. Called by runner.cpp.
#pragma once

#include <map>
#include <memory>

#include "checkpoint/weights.h"
#include "engine/plan.h"
#include "heads/head.h"
#include "vecton/tokenizer.h"

namespace vecton::engine {

using Heads = std::map<Task, std::unique_ptr<heads::Head>>;

// `weights` are the model's own, renamed by its family's load().
Heads load_heads(const Plan& plan, const Tokenizer& tokenizer, const checkpoint::Weights& weights,
                 Ops& ops);

}  // namespace vecton::engine
