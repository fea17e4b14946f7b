#include "nn/rope.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "vecton/error.h"

namespace vecton::nn {

namespace {

// Reads the kind of scaling from a rope_parameters or rope_scaling object.
void require_default(const Config& rope) {
  const std::string key = rope.has("rope_type") ? "rope_type" : "type";
  const std::string type = rope.string_or(key, "default");
  if (type != "default") {
    throw Error(ErrorCode::kUnsupported, rope.file() + ": " + key + " \"" + type +
                                             "\" is not supported; default (no scaling) is");
  }
}

}  // namespace

Rope::Rope(const Config& config, int64_t rotary_dim, double default_theta)
    : rotary_dim_(rotary_dim) {
  double theta = config.number_or("rope_theta", default_theta);
  if (const auto parameters = config.child("rope_parameters")) {
    require_default(*parameters);
    theta = parameters->number_or("rope_theta", theta);
  }
  if (const auto scaling = config.child("rope_scaling")) require_default(*scaling);
  for (int64_t i = 0; i < rotary_dim / 2; ++i) {
    const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(rotary_dim);
    inv_freq_.push_back(static_cast<float>(1.0 / std::pow(theta, exponent)));
  }
}

std::shared_ptr<const RopeTable> Rope::table(int64_t positions) const {
  const std::lock_guard lock(mutex_);
  if (table_ && table_->positions >= positions) return table_;
  auto table = std::make_shared<RopeTable>();
  table->rotary_dim = rotary_dim_;
  table->positions =
      static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(positions, 256))));
  for (int64_t p = 0; p < table->positions; ++p) {
    for (const float frequency : inv_freq_) {
      const float angle =
          static_cast<float>(p) * frequency;  // rounded to float32, as the reference does
      table->cos.push_back(static_cast<float>(std::cos(static_cast<double>(angle))));
      table->sin.push_back(static_cast<float>(std::sin(static_cast<double>(angle))));
    }
  }
  return table_ = std::move(table);
}

}  // namespace vecton::nn
