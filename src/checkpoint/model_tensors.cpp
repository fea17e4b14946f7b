#include "checkpoint/model_tensors.h"

#include <utility>

#include "checkpoint/weight_files.h"

namespace vecton::checkpoint {

std::map<std::string, StoredTensor> model_tensors(const std::filesystem::path& folder,
                                                  const Quantisation* quantisation,
                                                  const Adapter* adapter) {
  auto tensors = read_checkpoint(folder);
  if (quantisation) quantisation->gather(tensors);
  return adapter ? merge_adapter(std::move(tensors), *adapter) : tensors;
}

}  // namespace vecton::checkpoint
