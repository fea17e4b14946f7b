// Quantisation: how config.json says that the weights of a checkpoint are quantised.
//
// Read before a weight is: what is not supported is refused by name. One file of this folder per
// format. Called by the plan of a model and by Weights; immutable once read, for any thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/config.h"
#include "checkpoint/safetensors.h"

namespace vecton::checkpoint {

class Quantisation {
 public:
  virtual ~Quantisation() = default;

  // Puts one tensor, called as a dense checkpoint calls it, in place of those that make up a
  // quantised matrix. Types, shapes and sizes are checked; layers that have no codes stay as they
  // are.
  virtual void gather(Tensors& tensors) const = 0;

  std::vector<std::string> notes;  // what the user should hear of
};

// ModelOpt's settings in a file of their own, which lies beside config.json.
inline constexpr std::string_view kModelOptFile = "hf_quant_config.json";

// Null where the checkpoint is dense. The file beside the one that `config` was read from counts
// where that says nothing. Errors (kUnsupported) name the key and what is accepted.
std::shared_ptr<const Quantisation> read_quantisation(const Config& config);

// Errors (kInvalidArgument, field quantization) unless the checkpoint is quantised by `method`, by
// vLLM's names of methods; "auto" is any.
void require_quantisation(const Config& config, const std::string& method);

}  // namespace vecton::checkpoint
