// ImageRows: the rows of a forward pass that are an image's (Batch::images). Made at the start of
// Model::forward of models that read images; without images in the batch it does nothing.
#pragma once

#include <cstdint>

#include "nn/forward_pass.h"

namespace vecton::nn {

class ImageRows {
 public:
  // `width`: of a row of the model. What the features have beyond it is as wide, once for each
  // layer that adds some.
  ImageRows(const ForwardPass& pass, int64_t width);

  // Puts the images' rows in place of those of their ids. Nobody else has `x` yet.
  void replace(const Tensor& x) const;
  // Adds what the features have for layer `layer` (DeepStack, Meng et al. 2024, arXiv:2406.04334)
  // to what it gave, which nobody else has yet: a row for each of `rows`.
  void add(int64_t layer, const LayerRows& rows, const Tensor& x) const;

 private:
  struct Places {
    tensor::Indices from, to, own;  // rows of the features, those of the pass, and 0, 1, ...
  };
  Places places(std::vector<int32_t> from, std::vector<int32_t> to) const;

  const ForwardPass& pass_;
  int64_t width_, layers_;  // that add some
  Places all_, wanted_;
};

}  // namespace vecton::nn
