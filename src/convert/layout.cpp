#include "convert/layout.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>
#include <utility>

#include "checkpoint/name_text.h"
#include "checkpoint/quantised/quantised_tensor.h"
#include "checkpoint/shape.h"
#include "convert/interleaved_experts.h"
#include "models/registry.h"
#include "vecton/error.h"

namespace vecton::convert {

namespace {

std::string text_of(const json::object& config, std::string_view key) {
  const json::value* value = config.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : "";
}

std::string first_architecture(const json::object& config) {
  const json::value* names = config.if_contains("architectures");
  const json::array* list = names ? names->if_array() : nullptr;
  return list && !list->empty() && list->front().is_string()
             ? std::string(list->front().get_string())
             : "";
}

// Whether lm_head says nothing that the table of words does not.
bool head_is_tied(const json::object& config, const Tensors& tensors) {
  const json::value* tied = config.if_contains("tie_word_embeddings");
  if (tied && tied->is_bool()) return tied->get_bool();
  const auto head = tensors.find("lm_head.weight");
  if (head == tensors.end()) return true;
  for (const char* name : {"model.embed_tokens.weight", "embed_tokens.weight"}) {
    const auto table = tensors.find(name);
    if (table != tensors.end() && !table->second.quantised && !head->second.quantised)
      return std::ranges::equal(table->second.bytes, head->second.bytes);
  }
  return false;
}

// Numbers in names count as numbers: layers.2 is before layers.10.
bool before(std::string_view a, std::string_view b) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (digit(a[i]) && digit(b[j])) {
      const size_t from_i = i, from_j = j;
      while (i < a.size() && digit(a[i])) ++i;
      while (j < b.size() && digit(b[j])) ++j;
      const std::string_view x = a.substr(from_i, i - from_i), y = b.substr(from_j, j - from_j);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i, ++j;
    }
  }
  return a.size() - i < b.size() - j;
}

class Names {
 public:
  Names(Layout layout, const json::object& config, const Tensors& tensors)
      : embeddings_(layout == Layout::kMlxEmbeddings),
        rules_(mlx_rules(config)),
        prefixed_(std::ranges::count(rules_.without_prefix, first_architecture(config)) == 0),
        tied_(head_is_tied(config, tensors)) {}

  // Why a tensor is left out, or "".
  std::string left_out(const std::string& name) const {
    if (name.ends_with("position_ids") || name.ends_with("rotary_emb.inv_freq"))
      return "it is computed";
    if (name == "lm_head.weight" && tied_) return "it is tied to the table of words";
    if (name == "lm_head.weight" && embeddings_ && rules_.drops_lm_head)
      return "embeddings need none, and mlx-embeddings has none (--layout mlx-lm keeps it)";
    return "";
  }

  std::string renamed(const std::string& name) const {
    const std::string_view prefix = rules_.backbone_prefix;
    const bool of_head = name.starts_with("score.") || name.starts_with("lm_head.");
    if (!embeddings_ || !prefixed_ || of_head || name.starts_with(prefix)) return name;
    return std::string(prefix) + name;
  }

  // MLX has the channels of a convolution last; one channel leaves the bytes as they are.
  std::vector<int64_t> shape(const std::string& name, std::vector<int64_t> shape) const {
    if (rules_.channels_last && name.ends_with("conv.weight") && shape.size() == 3 && shape[1] == 1)
      std::swap(shape[1], shape[2]);
    return shape;
  }

  bool stacks_experts() const { return rules_.stacks_experts; }

 private:
  bool embeddings_;
  models::MlxRules rules_;
  bool prefixed_, tied_;
};

struct Expert {
  std::string stacked;  // model.layers.0.mlp.switch_mlp.up_proj.weight
  int64_t number = 0;
};

// MLX's name of an expert's matrix, which Mixtral's checkpoints number.
std::string_view matrix_name(std::string_view matrix) {
  if (matrix == "w1") return "gate_proj";
  if (matrix == "w2") return "down_proj";
  return matrix == "w3" ? "up_proj" : matrix;
}

// Of model.layers.0.mlp.experts.3.up_proj.weight.
std::optional<Expert> expert_of(const std::string& name) {
  constexpr std::string_view kExperts = ".experts.";
  const size_t at = name.find(kExperts);
  if (at == name.npos) return std::nullopt;
  const size_t begin = at + kExperts.size(), end = name.find('.', begin);
  if (end == name.npos || end == begin || end - begin > 6) return std::nullopt;
  int64_t number = 0;
  for (size_t i = begin; i < end; ++i) {
    if (name[i] < '0' || name[i] > '9') return std::nullopt;
    number = number * 10 + (name[i] - '0');
  }
  const size_t matrix = end + 1, kind = std::min(name.find('.', matrix), name.size());
  return Expert{name.substr(0, at) + ".switch_mlp." +
                    std::string(matrix_name(std::string_view(name).substr(matrix, kind - matrix))) +
                    name.substr(kind),
                number};
}

// Of all experts of a layer.
bool is_stack(std::string_view name) {
  for (const std::string_view part : {".switch_mlp.", ".mlp.experts.gate_proj.",
                                      ".mlp.experts.up_proj.", ".mlp.experts.down_proj."}) {
    if (name.find(part) != name.npos) return true;
  }
  return false;
}

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorCode::kCorrupt, message); }

// Experts in the order of their numbers, none missing, all of one shape.
NewTensor stack(const std::string& name, std::map<int64_t, checkpoint::StoredTensor> experts) {
  NewTensor made{.name = name, .shape = {}, .sources = {}};
  for (auto& [number, tensor] : experts) {
    if (number != static_cast<int64_t>(made.sources.size()))
      fail(tensor.source + ": " + checkpoint::name_text(tensor.name) + ": expert " +
           std::to_string(made.sources.size()) + " is missing");
    if (number > 0 && tensor.shape != experts.begin()->second.shape)
      fail(tensor.source + ": " + checkpoint::name_text(tensor.name) +
           ": of another shape than the first expert's");
    made.sources.push_back(tensor);
  }
  made.shape = made.sources.front().shape;
  made.shape.insert(made.shape.begin(), static_cast<int64_t>(made.sources.size()));
  return made;
}

}  // namespace

models::MlxRules mlx_rules(const json::object& config) {
  std::string type = text_of(config, "model_type");
  std::ranges::replace(type, '-', '_');
  const models::Family* family = models::family_of_type(type);
  return family ? family->mlx : models::MlxRules();
}

std::string to_string(Layout layout) {
  return layout == Layout::kMlxEmbeddings ? "mlx-embeddings" : "mlx-lm";
}

Layout choose_layout(const std::string& name, const json::object& config, const Tensors& tensors,
                     bool recipe) {
  for (const Layout layout : {Layout::kMlxEmbeddings, Layout::kMlxLm}) {
    if (name == to_string(layout)) return layout;
  }
  if (name != "auto")
    throw Error(ErrorCode::kInvalidArgument,
                "layout: " + checkpoint::quoted_text(name) +
                    " is not known: expected auto, mlx-embeddings or mlx-lm",
                "layout");
  if (recipe) return Layout::kMlxLm;
  if (!first_architecture(config).ends_with("ForCausalLM")) return Layout::kMlxEmbeddings;
  const bool known = mlx_rules(config).embeds_generative;
  const bool keeps_all = !tensors.contains("lm_head.weight") || head_is_tied(config, tensors);
  return known && keeps_all ? Layout::kMlxEmbeddings : Layout::kMlxLm;
}

int64_t NewTensor::numbers() const { return checkpoint::shape_product(shape).value_or(0); }

int64_t NewTensor::stored_bytes() const {
  int64_t bytes = 0;
  for (const checkpoint::StoredTensor& source : sources) {
    bytes += source.quantised ? source.quantised->bytes : static_cast<int64_t>(source.bytes.size());
  }
  return bytes;
}

bool NewTensor::is_float() const {
  return std::ranges::all_of(sources, [](const checkpoint::StoredTensor& source) {
    return source.quantised || tensor::is_float(source.dtype);
  });
}

std::string NewTensor::module() const {
  constexpr std::string_view kWeight = ".weight";
  const bool stacked = is_stack(name);
  if (!name.ends_with(kWeight) || shape.size() != (stacked ? 3 : 2) || !is_float()) return "";
  return name.substr(0, name.size() - kWeight.size());
}

std::vector<NewTensor> name_tensors(Layout layout, const json::object& config, Tensors tensors,
                                    std::vector<std::string>& notes) {
  split_interleaved_experts(config, tensors);
  const Names names(layout, config, tensors);
  std::vector<NewTensor> made;
  std::map<std::string, std::map<int64_t, checkpoint::StoredTensor>> experts;
  for (auto& [name, tensor] : tensors) {
    if (const std::string why = names.left_out(name); !why.empty()) {
      notes.push_back(checkpoint::name_text(name) + " is left out: " + why);
      continue;
    }
    const std::optional<Expert> expert = names.stacks_experts() ? expert_of(name) : std::nullopt;
    if (expert) {
      experts[expert->stacked].emplace(expert->number, std::move(tensor));
      continue;
    }
    made.push_back({.name = names.renamed(name),
                    .shape = names.shape(name, tensor.shape),
                    .sources = {std::move(tensor)}});
  }
  for (auto& [name, list] : experts) made.push_back(stack(name, std::move(list)));
  std::ranges::sort(made, before, &NewTensor::name);
  const auto twice = std::ranges::adjacent_find(made, {}, &NewTensor::name);
  if (twice != made.end())
    fail(twice->sources.front().source + ": " + checkpoint::name_text(twice->sources.front().name) +
         " and another tensor are both " + checkpoint::name_text(twice->name) + " in layout " +
         to_string(layout));
  return made;
}

}  // namespace vecton::convert
