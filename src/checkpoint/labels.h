// Labels: the classes of config.json and how their logits become probabilities.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/config.h"

namespace vecton {

// id2label in order of ids, or LABEL_0, LABEL_1, ... of num_labels (by default 2, as transformers
// has it, and 1 of a Qwen2ForRewardModel). Errors name the key: ids must be 0 .. n-1.
std::vector<std::string> read_labels(const Config& config);

}  // namespace vecton
