#include "checkpoint/model_tensors.h"

#include <utility>

#include "checkpoint/gguf/tensors.h"
#include "checkpoint/weight_files.h"
#include "gguf/file.h"

namespace vecton::checkpoint {

Tensors model_tensors(const std::filesystem::path& folder, const Quantisation* quantisation,
                      const Adapter* adapter) {
  // A module's layer within a GGUF file: gguf_dense_modules().
  if (gguf::is_gguf(folder.parent_path()))
    return gguf_layer(gguf::File::open(folder.parent_path()), folder.filename().string());
  auto tensors =
      gguf::is_gguf(folder) ? gguf_tensors(gguf::File::open(folder)) : read_checkpoint(folder);
  if (quantisation) quantisation->gather(tensors);
  return adapter ? merge_adapter(std::move(tensors), *adapter) : tensors;
}

}  // namespace vecton::checkpoint
