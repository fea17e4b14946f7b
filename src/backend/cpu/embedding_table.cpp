#include "backend/cpu/embedding_table.h"

#include <cstring>

namespace vecton::cpu {

EmbeddingTable::EmbeddingTable(const Weight& weight) {
  n = weight.rows;
  k = weight.columns;
  bytes = n * k * size_of(weight.codes.dtype);
  file.n = n;
  file.k = k;
  file.dtype = weight.codes.dtype;
  file.rows = weight.codes.bytes;
  file.keep = weight.keep;
}

void EmbeddingTable::unpack(int64_t id, std::byte* out) const {
  const int64_t size = size_of(panels->dtype), lanes = panels->width / 2;
  const int64_t column = id % panels->width;
  const int64_t place =
      panels->dtype == DType::kBF16 ? column % lanes * 2 + column / lanes : column;
  const std::byte* from =
      panels->data.get() + id / panels->width * panels->panel_bytes() + place * size;
  for (int64_t i = 0; i < k; ++i, from += panels->width * size, out += size)
    std::memcpy(out, from, static_cast<size_t>(size));
}

std::shared_ptr<const EmbeddingTable> EmbeddingTables::add(const Weight& weight) {
  auto table = std::make_shared<EmbeddingTable>(weight);
  tables_[weight.codes.bytes.data()] = table;
  return table;
}

void EmbeddingTables::tie(const Weight& weight, const std::shared_ptr<const PackedMatrix>& panels) {
  const auto place = tables_.find(weight.codes.bytes.data());
  const auto table = place == tables_.end() ? nullptr : place->second.lock();
  const bool same =
      table && table->n == panels->n && table->k == panels->k && table->file.dtype == panels->dtype;
  if (!same) return;
  table->panels = panels;
  table->file = {};  // its memory may become another matrix's
  table->bytes = 0;
  tables_.erase(place);
}

}  // namespace vecton::cpu
