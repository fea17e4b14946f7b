#include "nn/activation.h"

#include <utility>

#include "vecton/error.h"

namespace vecton::nn {

ops::Activation activation(const checkpoint::Config& config, std::string_view key,
                           std::string_view fallback) {
  static constexpr std::pair<std::string_view, ops::Activation> kNames[] = {
      {"gelu", ops::Activation::kGelu},
      {"gelu_python", ops::Activation::kGelu},
      {"gelu_new", ops::Activation::kGeluTanh},
      {"gelu_pytorch_tanh", ops::Activation::kGeluTanh},
      {"gelu_fast", ops::Activation::kGeluTanh},
      {"gelu_python_tanh", ops::Activation::kGeluTanh},
      {"gelu_accurate", ops::Activation::kGeluTanh},
      {"relu", ops::Activation::kRelu},
      {"silu", ops::Activation::kSilu},
      {"swish", ops::Activation::kSilu},
      {"tanh", ops::Activation::kTanh},
      {"sigmoid", ops::Activation::kSigmoid},
      {"linear", ops::Activation::kIdentity},
  };
  const std::string name = config.string_or(key, fallback);
  std::string known;
  for (const auto& [known_name, activation] : kNames) {
    if (name == known_name) return activation;
    known += (known.empty() ? "" : ", ") + std::string(known_name);
  }
  throw Error(ErrorCode::kUnsupported, config.file() + ": " + std::string(key) + " \"" + name +
                                           "\" is not supported; one of " + known + " is");
}

}  // namespace vecton::nn
