// What the two files of foreign_options.h's table are written with, so that a row fits into a line.
#pragma once

#include "cli/foreign_options.h"
#include "cli/foreign_values.h"

namespace vecton::cli::foreign {

inline constexpr unsigned V = kVllm, T = kTei, I = kInfinity, L = kLlamaServer, M = kMlxEmbeddings;
inline constexpr Takes kNothing = Takes::kNothing, kValue = Takes::kValue, kJson = Takes::kJson,
                       kList = Takes::kList, kPerhaps = Takes::kPerhaps, kBoolean = Takes::kBoolean;
inline constexpr Meaning kWorks = Meaning::kWorks, kIgnored = Meaning::kIgnored,
                         kRefused = Meaning::kRefused;

}  // namespace vecton::cli::foreign
