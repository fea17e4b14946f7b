#include "nn/activation.h"

#include <utility>

#include "vecton/error.h"

namespace vecton::nn {

Activation activation(const Config& config, std::string_view key, std::string_view fallback) {
  static constexpr std::pair<std::string_view, Activation> kNames[] = {
      {"gelu", Activation::kGelu},
      {"gelu_python", Activation::kGelu},
      {"gelu_new", Activation::kGeluTanh},
      {"gelu_pytorch_tanh", Activation::kGeluTanh},
      {"gelu_fast", Activation::kGeluTanh},
      {"gelu_python_tanh", Activation::kGeluTanh},
      {"gelu_accurate", Activation::kGeluTanh},
      {"relu", Activation::kRelu},
      {"silu", Activation::kSilu},
      {"swish", Activation::kSilu},
      {"tanh", Activation::kTanh},
      {"sigmoid", Activation::kSigmoid},
      {"linear", Activation::kIdentity},
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
