#include "base/dot_product.h"
#include "vecton/vecton.h"

namespace vecton {

std::vector<float> similarity_maps(const Vectors& query, const Vectors& document,
                                   const ImageGrid& grid) {
  const int64_t patches = grid.rows * grid.columns;
  const bool inside = grid.begin >= 0 && grid.rows >= 0 && grid.columns >= 0 &&
                      grid.begin + patches <= document.rows;
  if (query.columns != document.columns || !inside) {
    throw Error(ErrorCode::kInvalidArgument,
                "similarity_maps: the query's vectors have " + std::to_string(query.columns) +
                    " values and the document's " + std::to_string(document.columns) +
                    "; the patches are rows " + std::to_string(grid.begin) + " to " +
                    std::to_string(grid.begin + patches) + " of " + std::to_string(document.rows));
  }
  const auto row = [](const Vectors& vectors, int64_t index) {
    return std::span(vectors.values)
        .subspan(static_cast<size_t>(index * vectors.columns),
                 static_cast<size_t>(vectors.columns));
  };
  std::vector<float> maps;
  maps.reserve(static_cast<size_t>(query.rows * patches));
  for (int64_t token = 0; token < query.rows; ++token) {
    for (int64_t patch = 0; patch < patches; ++patch)
      maps.push_back(static_cast<float>(
          base::dot_product(row(query, token), row(document, grid.begin + patch))));
  }
  return maps;
}

}  // namespace vecton
