#include "quantise/scheme.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <span>

#include "vecton/error.h"

namespace vecton::quantise {

namespace {

struct Limits {
  Mode mode;
  std::string_view name;
  int64_t bits, group;  // by default; of modes other than affine the only ones
};
constexpr Limits kModes[] = {
    {Mode::kAffine, "affine", 4, 64},
    {Mode::kMxfp4, "mxfp4", 4, 32},
    {Mode::kNvfp4, "nvfp4", 4, 16},
    {Mode::kMxfp8, "mxfp8", 8, 32},
};
constexpr int64_t kAffineBits[] = {2, 3, 4, 5, 6, 8}, kAffineGroups[] = {32, 64, 128};

std::string listed(std::span<const int64_t> numbers) {
  std::string text;
  for (const int64_t number : numbers) text += (text.empty() ? "" : ", ") + std::to_string(number);
  return text;
}

[[noreturn]] void refuse(const std::string& option, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, option + ": " + message, option);
}

void check(const std::string& option, int64_t value, std::span<const int64_t> accepted,
           std::string_view mode) {
  if (std::ranges::find(accepted, value) == accepted.end())
    refuse(option, std::to_string(value) + " is not supported by mode " + std::string(mode) +
                       ", only " + listed(accepted));
}

std::optional<int64_t> number_of(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string_view to_string(Mode mode) {
  return std::ranges::find(kModes, mode, &Limits::mode)->name;
}

std::string Scheme::text() const {
  return std::string(to_string(mode)) + " " + std::to_string(bits) + " bits, groups of " +
         std::to_string(group);
}

Scheme make_scheme(std::string_view mode, std::optional<int64_t> bits,
                   std::optional<int64_t> group) {
  const auto* known = std::ranges::find(kModes, mode, &Limits::name);
  if (known == std::end(kModes))
    refuse("--q-mode",
           "'" + std::string(mode) + "' is not known: expected affine, mxfp4, nvfp4 or mxfp8");
  const bool affine = known->mode == Mode::kAffine;
  const int64_t own_bits = bits.value_or(known->bits), own_group = group.value_or(known->group);
  check("--q-bits", own_bits, affine ? std::span(kAffineBits) : std::span(&known->bits, 1), mode);
  check("--q-group-size", own_group,
        affine ? std::span(kAffineGroups) : std::span(&known->group, 1), mode);
  return {.mode = known->mode, .bits = static_cast<int>(own_bits), .group = own_group};
}

Scheme parse_scheme(const std::string& name, const std::string& option) {
  const auto fail = [&] {
    refuse(option, "'" + name +
                       "' is not known: expected mlx-affine-BITS (2, 3, 4, 5, 6, 8) or "
                       "mlx-affine-BITS-gGROUP (32, 64, 128), mxfp4, nvfp4 or mxfp8");
  };
  std::string_view rest = name;
  if (rest.starts_with("mlx-")) rest.remove_prefix(4);
  if (rest == "mxfp4" || rest == "nvfp4" || rest == "mxfp8") return make_scheme(rest, {}, {});
  if (!rest.starts_with("affine-")) fail();
  rest.remove_prefix(7);
  const size_t dash = rest.find("-g");
  const std::optional<int64_t> bits = number_of(rest.substr(0, dash));
  std::optional<int64_t> group;
  if (dash != std::string_view::npos) {
    group = number_of(rest.substr(dash + 2));
    if (!group) fail();
  }
  if (!bits || std::ranges::find(kAffineBits, *bits) == std::end(kAffineBits) ||
      (group && std::ranges::find(kAffineGroups, *group) == std::end(kAffineGroups)))
    fail();
  return make_scheme("affine", bits, group);
}

}  // namespace vecton::quantise
