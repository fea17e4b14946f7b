// Indices: a handle to a list of int32 in a backend's memory: token ids, positions, rows, offsets.
// Given to the backend once per forward pass (Ops::upload_indices), read by every layer.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "tensor/storage.h"

namespace vecton::tensor {

class Indices {
 public:
  Indices() = default;
  Indices(std::shared_ptr<const Storage> storage, int64_t size)
      : storage_(std::move(storage)), size_(size) {}

  int64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Storage* storage() const { return storage_.get(); }  // of backends; null where default

 private:
  std::shared_ptr<const Storage> storage_;
  int64_t size_ = 0;
};

// Rows (tensor/batch.h) in a backend's memory. What a launch is sized by stays with the host.
struct SequenceRows {
  Indices offsets, index;
  int64_t sequences = 0, count = 0;
  int64_t longest = 0;  // the largest position + 1; 0 without rows
};

}  // namespace vecton::tensor
