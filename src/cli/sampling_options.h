// The options of commands that generate: vLLM's SamplingParams.
#pragma once

#include "vecton/request.h"

namespace CLI {
class App;
}

namespace vecton::cli {

void add_sampling_options(CLI::App& app, Generate& generate);

}  // namespace vecton::cli
