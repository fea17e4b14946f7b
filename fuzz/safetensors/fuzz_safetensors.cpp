// Any bytes as a safetensors file: refused with an Error, or every tensor lies inside the bytes and
// has the size that its shape and type ask for.
//
//   fuzz_safetensors -max_len=4096 -dict=fuzz/safetensors/dictionary fuzz/safetensors/corpus
#include <cstdlib>
#include <span>

#include "checkpoint/safetensors.h"
#include "checkpoint/shape.h"
#include "vecton/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  try {
    size_t sum = 0;
    for (const auto& [name, tensor] : vecton::checkpoint::parse_safetensors(bytes, "input")) {
      const bool inside = tensor.bytes.data() >= bytes.data() &&
                          tensor.bytes.data() + tensor.bytes.size() <= bytes.data() + bytes.size();
      const auto expected =
          vecton::checkpoint::shape_product(tensor.shape, vecton::tensor::size_of(tensor.dtype));
      if (!inside || tensor.name != name || expected != static_cast<int64_t>(tensor.bytes.size()))
        std::abort();
      sum += tensor.bytes.size();
    }
    if (sum > size) std::abort();
  } catch (const vecton::Error&) {
  }
  return 0;
}
