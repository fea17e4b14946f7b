#include "models/equal_heads.h"

#include <string>

#include "vecton/error.h"

namespace vecton::models {

void check_multiple(const checkpoint::Config& config, std::string_view key, int64_t value,
                    std::string_view of_key, int64_t of) {
  if (value % of == 0) return;
  throw Error(ErrorCode::kCorrupt, config.file() + ": " + std::string(key) +
                                       " must be a multiple of " + std::string(of_key));
}

int64_t equal_heads(const checkpoint::Config& config, std::string_view hidden,
                    std::string_view heads) {
  const int64_t columns = config.integer(hidden), count = config.integer(heads);
  check_multiple(config, hidden, columns, heads, count);
  return columns / count;
}

}  // namespace vecton::models
