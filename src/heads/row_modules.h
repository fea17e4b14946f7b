// RowModules: modules of a sentence-transformers folder that turn one row into another, in order:
// Dense, LayerNorm, Normalize. Immutable after load, thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "checkpoint/modules.h"
#include "ops/ops.h"

namespace vecton::heads {

class RowStep {
 public:
  virtual ~RowStep() = default;
  virtual Tensor forward(Ops& ops, Tensor x) const = 0;
};

class RowModules {
 public:
  RowModules() = default;
  // Reads the modules' weights with `ops`. Errors name the module whose size doesn't follow on what
  // comes before it, `columns` at first.
  RowModules(std::span<const checkpoint::RowModule> modules, int64_t columns, Ops& ops);

  Tensor forward(Ops& ops, Tensor x) const;

  int64_t columns() const { return columns_; }  // of what forward() gives
  int64_t weight_bytes() const { return weight_bytes_; }

 private:
  std::vector<std::unique_ptr<const RowStep>> steps_;
  int64_t columns_ = 0, weight_bytes_ = 0;
};

// Columns of a row after the modules.
int64_t columns_after(std::span<const checkpoint::RowModule> modules, int64_t columns);

}  // namespace vecton::heads
