// Work: one request as the model and its heads see it: what was asked, and what has been prepared
// for it. Equal work gives equal numbers.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "vecton/request.h"

namespace vecton::heads {

// Tokens of a sequence that stand for an image, whose digest (tensor::Image) tells it from others.
struct ImageTokens {
  int64_t begin = 0, end = 0;
  std::array<uint64_t, 2> digest{};
  bool operator==(const ImageTokens&) const = default;
};

struct Work {
  std::vector<TaskParameters> tasks{Embed{}};  // the request's, then those of `also`
  size_t route = 0;                            // of Routes
  std::vector<int32_t> ids;
  std::vector<int32_t> type_ids;    // empty = all 0
  int64_t attended = 0;             // leading tokens that others attend to; 0 = all
  std::vector<uint8_t> answered;    // answers per token: 1 = this token has one; empty = all have
  std::vector<int64_t> parts;       // of Embed::late_chunks: their ends, in tokens
  std::vector<int32_t> targets;     // of FillMask::targets: their tokens of the vocabulary
  int64_t prompt_tokens = 0;        // leading tokens that are the prompt's
  std::vector<ImageTokens> images;  // in the order of their tokens
  std::string cache_salt;

  bool operator==(const Work&) const = default;
};

}  // namespace vecton::heads
