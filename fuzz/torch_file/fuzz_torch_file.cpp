// Any bytes as a torch file, and as the data.pkl of one: refused with an Error, or every tensor
// lies inside the bytes, or a copy of some, and has the size that its shape and type ask for.
//
//   fuzz_torch_file -max_len=4096 -dict=fuzz/torch_file/dictionary fuzz/torch_file/corpus
#include <cstdlib>
#include <span>

#include "checkpoint/shape.h"
#include "checkpoint/torch_file.h"
#include "checkpoint/torch_file_pickle.h"
#include "vecton/error.h"

namespace {

void read_file(std::span<const std::byte> bytes) {
  for (const auto& [name, tensor] : vecton::checkpoint::parse_torch_file(bytes, "input")) {
    const std::span<const std::byte> whole = tensor.copy ? std::span(*tensor.copy) : bytes;
    const bool inside = tensor.bytes.data() >= whole.data() &&
                        tensor.bytes.data() + tensor.bytes.size() <= whole.data() + whole.size();
    const auto expected =
        vecton::checkpoint::shape_product(tensor.shape, vecton::tensor::size_of(tensor.dtype));
    if (!inside || tensor.name != name || expected != static_cast<int64_t>(tensor.bytes.size()))
      std::abort();
  }
}

void read_pickle(std::span<const std::byte> bytes) {
  const char* begin = reinterpret_cast<const char*>(bytes.data());
  for (const auto& tensor : vecton::checkpoint::read_state_dict(bytes, "input")) {
    for (const std::string_view text : {tensor.name, tensor.storage}) {
      if (text.data() < begin || text.data() + text.size() > begin + bytes.size()) std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  for (const auto read : {read_file, read_pickle}) {
    try {
      read(bytes);
    } catch (const vecton::Error&) {
    }
  }
  return 0;
}
