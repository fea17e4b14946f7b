#include "checkpoint/torch_activations.h"

#include <algorithm>
#include <iterator>

namespace vecton {

namespace {

struct Name {
  std::string_view name;
  Activation activation;
};
// With the arguments that torch has for them: the files name classes only.
constexpr Name kNames[] = {
    {"CELU", Activation::kElu},
    {"ELU", Activation::kElu},
    {"GELU", Activation::kGelu},
    {"Hardshrink", Activation::kHardshrink},
    {"Hardsigmoid", Activation::kHardSigmoid},
    {"Hardswish", Activation::kHardSwish},
    {"Hardtanh", Activation::kHardtanh},
    {"Identity", Activation::kIdentity},
    {"LeakyReLU", Activation::kLeakyRelu},
    {"LogSigmoid", Activation::kLogSigmoid},
    {"Mish", Activation::kMish},
    {"PReLU", Activation::kPRelu},
    {"ReLU", Activation::kRelu},
    {"ReLU6", Activation::kRelu6},
    {"RReLU", Activation::kRRelu},
    {"SELU", Activation::kSelu},
    {"SiLU", Activation::kSilu},
    {"Sigmoid", Activation::kSigmoid},
    {"Softplus", Activation::kSoftplus},
    {"Softshrink", Activation::kSoftshrink},
    {"Softsign", Activation::kSoftsign},
    {"Tanh", Activation::kTanh},
    {"Tanhshrink", Activation::kTanhshrink},
};

}  // namespace

std::string_view class_name(std::string_view path) { return path.substr(path.rfind('.') + 1); }

std::optional<Activation> torch_activation(std::string_view path) {
  const auto* known = std::ranges::find(kNames, class_name(path), &Name::name);
  if (!path.starts_with("torch.nn.") || known == std::end(kNames)) return std::nullopt;
  return known->activation;
}

std::string torch_activation_names() {
  std::string list;
  for (const Name& known : kNames) list += (list.empty() ? "" : ", ") + std::string(known.name);
  return list;
}

}  // namespace vecton
