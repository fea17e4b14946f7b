#include "checkpoint/torch_activations.h"

#include <algorithm>
#include <iterator>

namespace vecton::checkpoint {

namespace {

struct Name {
  std::string_view name;
  ops::Activation activation;
};
// With the arguments that torch has for them: the files name classes only.
constexpr Name kNames[] = {
    {"CELU", ops::Activation::kElu},
    {"ELU", ops::Activation::kElu},
    {"GELU", ops::Activation::kGelu},
    {"Hardshrink", ops::Activation::kHardshrink},
    {"Hardsigmoid", ops::Activation::kHardSigmoid},
    {"Hardswish", ops::Activation::kHardSwish},
    {"Hardtanh", ops::Activation::kHardtanh},
    {"Identity", ops::Activation::kIdentity},
    {"LeakyReLU", ops::Activation::kLeakyRelu},
    {"LogSigmoid", ops::Activation::kLogSigmoid},
    {"Mish", ops::Activation::kMish},
    {"PReLU", ops::Activation::kPRelu},
    {"ReLU", ops::Activation::kRelu},
    {"ReLU6", ops::Activation::kRelu6},
    {"RReLU", ops::Activation::kRRelu},
    {"SELU", ops::Activation::kSelu},
    {"SiLU", ops::Activation::kSilu},
    {"Sigmoid", ops::Activation::kSigmoid},
    {"Softplus", ops::Activation::kSoftplus},
    {"Softshrink", ops::Activation::kSoftshrink},
    {"Softsign", ops::Activation::kSoftsign},
    {"Tanh", ops::Activation::kTanh},
    {"Tanhshrink", ops::Activation::kTanhshrink},
};

}  // namespace

std::string_view class_name(std::string_view path) { return path.substr(path.rfind('.') + 1); }

std::optional<ops::Activation> torch_activation(std::string_view path) {
  const auto* known = std::ranges::find(kNames, class_name(path), &Name::name);
  if (!path.starts_with("torch.nn.") || known == std::end(kNames)) return std::nullopt;
  return known->activation;
}

std::optional<RowFunction> torch_row_function(std::string_view path) {
  if (!path.starts_with("torch.nn.")) return std::nullopt;
  const std::string_view name = class_name(path);
  if (name == "Softmax") return RowFunction::kSoftmax;
  if (name == "Softmin") return RowFunction::kSoftmin;
  if (name == "LogSoftmax") return RowFunction::kLogSoftmax;
  return std::nullopt;
}

std::string torch_activation_names() {
  std::string list;
  for (const Name& known : kNames) list += (list.empty() ? "" : ", ") + std::string(known.name);
  return list;
}

}  // namespace vecton::checkpoint
