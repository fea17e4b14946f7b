// Scheme: how a matrix is quantised, with MLX's names and limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vecton::quantise {

enum class Mode { kAffine, kMxfp4, kNvfp4, kMxfp8 };

std::string_view to_string(Mode mode);

struct Scheme {
  Mode mode = Mode::kAffine;
  int bits = 4;
  int64_t group = 64;

  bool affine() const { return mode == Mode::kAffine; }
  int64_t code_bytes(int64_t count) const { return count / 8 * bits; }
  // "affine 4 bits, groups of 64"
  std::string text() const;

  friend bool operator==(const Scheme&, const Scheme&) = default;
};

// Bits and group size absent: the mode's own. Errors (kInvalidArgument) name the option
// ("--q-bits") and what the mode takes.
Scheme make_scheme(std::string_view mode, std::optional<int64_t> bits,
                   std::optional<int64_t> group);

// Of a name such as "mlx-affine-8", "mlx-affine-4-g32", "mxfp4", "nvfp4" or "mxfp8"; `option` is
// named in errors.
Scheme parse_scheme(const std::string& name, const std::string& option);

}  // namespace vecton::quantise
