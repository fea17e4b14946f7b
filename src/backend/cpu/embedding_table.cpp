#include "backend/cpu/embedding_table.h"

#include <cstring>

#include "backend/host/dequantise.h"

namespace vecton::cpu {

EmbeddingTable::EmbeddingTable(const tensor::Weight& table) : weight(table) {
  n = weight.rows;
  k = weight.columns;
  bytes = static_cast<int64_t>(weight.codes.bytes.size() + weight.scale.bytes.size() +
                               weight.offset.bytes.size() + weight.scale_unit.bytes.size() +
                               weight.offset_unit.bytes.size());
  if (!weight.is_dense()) return;
  file.n = n;
  file.k = k;
  file.dtype = weight.codes.dtype;
  file.rows = weight.codes.bytes;
  file.keep = weight.keep;
}

tensor::DType EmbeddingTable::row_dtype() const {
  if (panels) return panels->codes.exists() ? tensor::DType::kF32 : panels->dtype;
  return tensor::DType::kF32;
}

// The numbers of row `id` of dense panels, as they are stored.
static void unpack(const PackedMatrix& panels, int64_t id, std::byte* out) {
  const int64_t size = tensor::size_of(panels.dtype), lanes = panels.width / 2;
  const int64_t column = id % panels.width;
  const int64_t place =
      panels.dtype == tensor::DType::kBF16 ? column % lanes * 2 + column / lanes : column;
  const std::byte* from =
      panels.data.get() + id / panels.width * panels.panel_bytes() + place * size;
  for (int64_t i = 0; i < panels.k; ++i, from += panels.width * size, out += size)
    std::memcpy(out, from, static_cast<size_t>(size));
}

// `out` is aligned to floats.
void EmbeddingTable::read_row(int64_t id, std::byte* out) const {
  if (panels && !panels->codes.exists()) return unpack(*panels, id, out);
  auto* floats = reinterpret_cast<float*>(out);
  if (panels) return unpack_codes(*panels, id, floats);
  host::dequantise_row(weight, id, floats);
}

std::shared_ptr<const EmbeddingTable> EmbeddingTables::add(const tensor::Weight& weight) {
  auto table = std::make_shared<EmbeddingTable>(weight);
  tables_[weight.codes.bytes.data()] = table;
  return table;
}

void EmbeddingTables::tie(const tensor::Weight& weight,
                          const std::shared_ptr<const PackedMatrix>& panels) {
  const auto place = tables_.find(weight.codes.bytes.data());
  const auto table = place == tables_.end() ? nullptr : place->second.lock();
  const bool same = table && table->n == panels->n && table->k == panels->k &&
                    same_form(table->weight, weight) && weight.is_dense() != panels->codes.exists();
  if (!same) return;
  table->panels = panels;
  table->file = {};  // its memory may become another matrix's
  table->weight = {};
  table->bytes = 0;
  tables_.erase(place);
}

}  // namespace vecton::cpu
