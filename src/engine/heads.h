// Heads: the heads of a plan, read from its checkpoint, one per task. Called by runner.cpp.
#pragma once

#include <map>
#include <memory>

#include "checkpoint/weights.h"
#include "engine/plan.h"
#include "heads/causal_lm_head.h"
#include "heads/head.h"
#include "vecton/tokenizer.h"

namespace vecton::engine {

using Heads = std::map<Task, std::unique_ptr<heads::Head>>;

// Of a plan that generates.
heads::CausalLmHead load_causal_lm_head(const Plan& plan, const checkpoint::Weights& weights);

// `weights` are the model's own, renamed by its family's load().
Heads load_heads(const Plan& plan, const Tokenizer& tokenizer, const checkpoint::Weights& weights,
                 Ops& ops);

}  // namespace vecton::engine
