#include "checkpoint/quantised/kv_cache.h"

#include <algorithm>

#include "base/json.h"
#include "checkpoint/name_text.h"

namespace vecton::checkpoint {

namespace {

// Of an attention layer or its projections. kv_scale and output_scale are older names.
constexpr std::string_view kScales[] = {".k_scale",
                                        ".v_scale",
                                        ".q_scale",
                                        ".prob_scale",
                                        ".kv_scale",
                                        ".prob_output_scale",
                                        ".q_proj.output_scale",
                                        ".k_proj.output_scale",
                                        ".v_proj.output_scale"};

}  // namespace

void read_kv_cache(const Config& config, std::string_view key, Quantisation& made) {
  const json::value* setting = config.raw(key);
  if (!setting) return;
  made.notes.push_back(config.file() + ": " + std::string(key) + " " + value_text(*setting) +
                       ": the cache is kept as --kv-cache-dtype says, and the checkpoint's scales "
                       "for it (k_scale, v_scale, q_scale, prob_scale) are not used");
}

void drop_kv_cache_scales(Tensors& tensors) {
  std::erase_if(tensors, [](const auto& entry) {
    return std::ranges::any_of(
        kScales, [&](std::string_view ending) { return entry.first.ends_with(ending); });
  });
}

}  // namespace vecton::checkpoint
