// Which rows of the tables of positions and types the tokens of a batch ask for, where that is not
// simply 0, 1, ... and what the batch says.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/batch.h"

namespace vecton::nn {

// RoBERTa's positions: tokens other than `padding_id` count up from padding_id + 1 in each
// sequence; a padding token has position padding_id and is not counted.
std::vector<int32_t> positions_after_padding(const tensor::Batch& batch, int32_t padding_id);

// The type of every token. A model with one type gives it to all, whatever the tokenizer says.
std::vector<int32_t> type_rows(const tensor::Batch& batch, int64_t types);

}  // namespace vecton::nn
