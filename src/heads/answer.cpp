#include "vecton/request.h"

namespace vecton {

Numbers numbers_of(const Answer& answer) {
  const auto read = [](const auto& kind) -> Numbers {
    if constexpr (requires { kind.rows; }) {
      return {.rows = kind.rows, .columns = kind.columns, .values = kind.values};
    } else if constexpr (requires { kind.values; }) {
      return {
          .rows = 1, .columns = static_cast<int64_t>(kind.values.size()), .values = kind.values};
    } else if constexpr (requires { kind.score; }) {
      return {.rows = 1, .columns = 1, .values = {&kind.score, 1}};
    } else {
      return {};
    }
  };
  return std::visit(read, answer);
}

}  // namespace vecton
