// Any bytes as a quantised checkpoint: config.json up to the first zero byte, then a safetensors
// file. It is refused with an Error, or every matrix is read whole.
//
//   fuzz_quantised -max_len=4096 -dict=fuzz/quantised/dictionary fuzz/quantised/corpus
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "backend/ref/ref_ops.h"
#include "base/json.h"
#include "checkpoint/quantised/quantisation.h"
#include "checkpoint/quantised/quantised_tensor.h"
#include "checkpoint/safetensors.h"
#include "vecton/error.h"

// Reads the first and the last row.
static void read_rows(vecton::Ops& ops, const vecton::tensor::Weight& weight) {
  const vecton::ops::PreparedWeight table = ops.prepare_table(weight);
  const vecton::Ops::Lookup rows{*table,
                                 ops.upload_indices({0, static_cast<int32_t>(weight.rows - 1)})};
  ops.embed({&rows, 1});
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::unique_ptr<vecton::Ops> ops = vecton::backend::make_ref_ops();
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const size_t zero = all.find('\0');
  if (zero == all.npos) return 0;
  // A block of its own, so that a read past the end is found.
  const std::vector<uint8_t> file(data + zero + 1, data + size);
  try {
    const vecton::json::value document =
        vecton::base::parse_json(all.substr(0, zero), "config.json");
    if (!document.is_object()) return 0;
    const vecton::checkpoint::Config config(document.get_object(), "config.json");
    const auto quantisation = vecton::checkpoint::read_quantisation(config);
    config.check_read();
    auto tensors = vecton::checkpoint::parse_safetensors(std::as_bytes(std::span(file)), "file");
    if (!quantisation) return 0;
    quantisation->gather(tensors);
    for (const auto& [name, tensor] : tensors) {
      if (tensor.quantised) read_rows(*ops, tensor.quantised->weight());
    }
  } catch (const vecton::Error&) {
  }
  return 0;
}
