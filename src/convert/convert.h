// Making checkpoints: a model's folder to one in MLX's layout, quantised or not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "vecton/options.h"

namespace vecton::convert {

struct ConvertOptions {
  std::string model{};  // folder, GGUF file or hub name
  HubOptions hub = HubOptions::from_environment();
  std::string target = "mlx_model";  // folder to be made
  // Where the new folder is uploaded on the model hub, with hub.token; empty = nowhere.
  std::string upload_repo{};
  bool quantize = false, dequantize = false;
  std::string mode = "affine";  // affine | mxfp4 | nvfp4 | mxfp8
  // Absent = the mode's own: 4 bits in groups of 64, 32 or 16; mxfp8 8 bits in groups of 32.
  std::optional<int64_t> bits{}, group_size{};
  // mixed_2_6 | mixed_3_4 | mixed_3_6 | mixed_4_6: more bits for some layers. Empty = none.
  std::string recipe{};
  // float16 | bfloat16 | float32: what all numbers are rounded to first. Empty = the layout's own:
  // float16 in mlx-embeddings, torch_dtype of config.json or what is stored in mlx-lm.
  std::string dtype{};
  // Whose names, config entries and defaults: auto | mlx-embeddings | mlx-lm.
  std::string layout = "auto";
  int threads = EngineDefaults::from_environment().threads;  // 0 = one per core it may use
};

struct ConvertProgress {
  int64_t bytes_done = 0, bytes_total = 0;  // of the model's weights; then of large files
  bool uploading = false;
};

struct ConvertReport {
  std::filesystem::path folder{};
  std::string layout{};
  int64_t input_bytes = 0, output_bytes = 0, parameters = 0;  // of the weights
  std::string uploaded{};            // address of the commit, where it was uploaded
  std::vector<std::string> notes{};  // layers that were left as they are, tensors left out
};

// Writes the whole folder or nothing: beside it first, then it takes its place. An earlier
// conversion in mlx-embeddings' layout is replaced, any other folder that is not empty is an error.
// Errors name the option, file or tensor.
ConvertReport convert_model(const ConvertOptions& options,
                            const std::function<void(const ConvertProgress&)>& progress = {});

}  // namespace vecton::convert
