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
  // Of an image whose rows have a token of the text between them: how many of its own a row has. 0
  // = all tokens are its own.
  int64_t columns = 0;

  // How many of them are the image's own, and which of these `token` is; -1 = it stands between
  // rows.
  int64_t own() const {
    return columns == 0 ? end - begin : (end - begin + 1) / (columns + 1) * columns;
  }
  int64_t place_of(int64_t token) const {
    const int64_t at = token - begin;
    if (columns == 0) return at;
    return at % (columns + 1) == columns ? -1 : at / (columns + 1) * columns + at % (columns + 1);
  }
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
