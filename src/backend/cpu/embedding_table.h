// Rows for embed(): where the file has them or, of a matrix that linear() reads too (a table and a
// head that are tied), in its panels.
//
// Called by cpu_linear.cpp. Changed while a model is built only.
#pragma once

#include <map>
#include <memory>

#include "backend/cpu/pack.h"

namespace vecton::cpu {

struct EmbeddingTable final : ops::Prepared {
  tensor::Weight weight;                       // no bytes once there are panels
  Table file;                                  // the rows, where they are dense
  std::shared_ptr<const PackedMatrix> panels;  // null = the file's rows

  explicit EmbeddingTable(const tensor::Weight& weight);
  bool is_plain() const { return !panels && weight.is_dense(); }  // `file` has the rows
  // Of read_row: what is stored where it is dense, float32 where it is codes.
  tensor::DType row_dtype() const;
  void read_row(int64_t id, std::byte* out) const;
};

// The tables that were made of matrices of the checkpoint, found again by their bytes.
class EmbeddingTables {
 public:
  std::shared_ptr<const EmbeddingTable> add(const tensor::Weight& weight);
  // Was a table made of the same matrix? Then it reads these panels from now on.
  void tie(const tensor::Weight& weight, const std::shared_ptr<const PackedMatrix>& panels);

 private:
  std::map<const std::byte*, std::weak_ptr<EmbeddingTable>> tables_;
};

}  // namespace vecton::cpu
