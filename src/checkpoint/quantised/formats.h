// The readers of this folder, one per format. Each reads the object of config.json that describes
// it.
#pragma once

#include <memory>

#include "checkpoint/quantised/quantisation.h"

namespace vecton {

using ReadQuantisation = std::shared_ptr<const Quantisation> (*)(const Config& config);

std::shared_ptr<const Quantisation> read_mlx(const Config& config);
std::shared_ptr<const Quantisation> read_awq(const Config& config);
std::shared_ptr<const Quantisation> read_gptq(const Config& config);
std::shared_ptr<const Quantisation> read_fp8(const Config& config);
std::shared_ptr<const Quantisation> read_compressed_tensors(const Config& config);
std::shared_ptr<const Quantisation> read_openai_mxfp4(const Config& config);

}  // namespace vecton
