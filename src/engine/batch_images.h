// The images of a batch: what a vision tower makes of them, and the rows that read it.
#pragma once

#include <vector>

#include "engine/sequence.h"
#include "models/model.h"
#include "ops/ops.h"
#include "tensor/batch.h"

namespace vecton::engine {

// Fills Batch::images, Batch::axis_positions and Batch::both_ways of a batch that has the rows of
// `sequences`. An image is encoded once, and what it has become is kept for the chunks that follow
// until all of its tokens have been in a batch.
void add_images(Ops& ops, const models::Model& model, const std::vector<Sequence>& sequences,
                tensor::Batch& batch);

}  // namespace vecton::engine
