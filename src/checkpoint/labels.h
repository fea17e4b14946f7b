// Labels: the classes of config.json. Read while a model is opened; plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/config.h"

namespace vecton::checkpoint {

// A name, or the JSON of what stands in a name's place: 1, 0.5, true, null.
struct Label {
  std::string text;
  bool is_name = true;
};

// So many has a classifier of transformers' whose config.json doesn't count them.
inline constexpr int64_t kDefaultLabels = 2;

// id2label in order of ids, or LABEL_0, LABEL_1, ... of num_labels. Errors name the key: ids must
// be 0 .. n-1, and a label is no list and no object.
std::vector<Label> read_labels(const Config& config, int64_t default_count = kDefaultLabels);

}  // namespace vecton::checkpoint
