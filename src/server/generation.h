// What the routes that generate have in common, whatever their dialect.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/dialect.h"

namespace vecton::server {

// Throws Failure unless the loaded model generates: as if the route were not there.
void require_generation(const Call& call);

// Requests to generate that name no seed get this one.
void give_seed(CallPlan& plan, std::optional<uint64_t> seed);

struct GenerationUsage {
  int64_t prompt = 0, completion = 0, cached = 0, reasoning = 0;  // tokens
};
GenerationUsage usage_of(const std::vector<Result>& results);

// The generation of a result that is answered: of best_of, where it was asked for, the `best`
// completions, which `kept` then holds.
const Generation& answered(const Result& result, std::optional<int64_t> best,
                           std::optional<Generation>& kept);

// Tokens that a text of thinking has.
int64_t count_tokens(const Tokenizer& tokenizer, const std::string& text);

// {"prompt_tokens",...}, in OpenAI's words.
void append_usage(std::string& out, const GenerationUsage& usage);

// null, an id, or a text.
void append_stop_reason(std::string& out, const StopReason& reason);

}  // namespace vecton::server
