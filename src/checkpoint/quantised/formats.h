// The readers of this folder, one per format. Each reads the object of config.json that describes
// it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "checkpoint/quantised/quantisation.h"

namespace vecton::checkpoint {

using ReadQuantisation = std::shared_ptr<const Quantisation> (*)(const Config& config);

std::shared_ptr<const Quantisation> read_mlx(const Config& config);
std::shared_ptr<const Quantisation> read_awq(const Config& config);
std::shared_ptr<const Quantisation> read_gptq(const Config& config);
std::shared_ptr<const Quantisation> read_fp8(const Config& config);
std::shared_ptr<const Quantisation> read_fbgemm_fp8(const Config& config);
std::shared_ptr<const Quantisation> read_compressed_tensors(const Config& config);
std::shared_ptr<const Quantisation> read_openai_mxfp4(const Config& config);
std::shared_ptr<const Quantisation> read_modelopt(const Config& config);

// Whether it was read from hf_quant_config.json (quantisation.h).
bool is_modelopt_file(const Config& config);

// Ignores what transformers writes of GPTQ and, from version 5 on, of AWQ too: how the weights were
// made, and how others run them. What is not quantised is dense in the file.
void ignore_gptq_making(const Config& config);

// Refuses a setting by its path in config.json ("quantization_config.bits"), with what is accepted.
[[noreturn]] void refuse_setting(const Config& config, std::string_view path,
                                 const std::string& found, const std::string& accepted);

}  // namespace vecton::checkpoint
