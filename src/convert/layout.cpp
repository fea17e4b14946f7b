#include "convert/layout.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "checkpoint/name_text.h"
#include "checkpoint/quantised/quantised_tensor.h"
#include "checkpoint/shape.h"
#include "convert/mlx_form.h"
#include "convert/text_settings.h"
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

// Null where the type is not known.
const models::Family* family_of(const json::object& config) {
  std::string type = text_of(config, "model_type");
  std::ranges::replace(type, '-', '_');
  return models::family_of_type(type);
}

// The text model's part of a name.
std::string_view own_part(std::string_view name) {
  constexpr std::string_view kParts[] = {"model.language_model.", "language_model.model.",
                                         "language_model.", "model."};
  for (const std::string_view part : kParts) {
    if (name.starts_with(part)) return name.substr(part.size());
  }
  return name;
}

const checkpoint::StoredTensor* find_own(const Tensors& tensors, std::string_view part) {
  const auto found = std::ranges::find_if(
      tensors, [&](const auto& entry) { return own_part(entry.first) == part; });
  return found == tensors.end() ? nullptr : &found->second;
}

// Whether lm_head says nothing that the table of words does not.
bool head_is_tied(const json::object& config, const Tensors& tensors) {
  const json::value* tied = text_setting(config, "tie_word_embeddings");
  if (tied && tied->is_bool()) return tied->get_bool();
  const checkpoint::StoredTensor* head = find_own(tensors, "lm_head.weight");
  const checkpoint::StoredTensor* table = find_own(tensors, "embed_tokens.weight");
  if (!head) return true;
  return table && !table->quantised && !head->quantised &&
         std::ranges::equal(table->bytes, head->bytes);
}

// The weight of a head that is tied, with the bytes of the table of words.
void write_tied_head(const json::object& config, Tensors& tensors) {
  const models::Family* family = family_of(config);
  if (!family || family->mlx.tied_head.empty() ||
      !first_architecture(config).ends_with("ForMaskedLM"))
    return;
  const std::string head(family->mlx.tied_head);
  const json::value* tied = text_setting(config, "tie_word_embeddings");
  const checkpoint::StoredTensor* table = find_own(tensors, family->tensors.words);
  if (table && tensors.contains(head + ".bias") && (!tied || *tied == true))
    tensors.emplace(head + ".weight", *table);
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

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 6 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Of layers.3.mlp and so on, a part of the text model.
std::optional<int64_t> layer_of(std::string_view own) {
  constexpr std::string_view kLayers = "layers.";
  if (!own.starts_with(kLayers)) return std::nullopt;
  const std::string_view number =
      own.substr(kLayers.size(), own.find('.', kLayers.size()) - kLayers.size());
  return is_number(number) ? std::optional(std::stoll(std::string(number))) : std::nullopt;
}

class Names {
 public:
  Names(Layout layout, const json::object& config, const Tensors& tensors)
      : embeddings_(layout == Layout::kMlxEmbeddings),
        rules_(mlx_rules(config)),
        prefixed_(std::ranges::count(rules_.without_prefix, first_architecture(config)) == 0),
        nested_(!embeddings_ &&
                std::ranges::count(rules_.language_model, text_of(config, "model_type")) > 0),
        tied_(head_is_tied(config, tensors)),
        layers_(text_number(config, "num_hidden_layers")),
        with_own_keys_(layers_.value_or(0) -
                       text_number(config, "num_kv_shared_layers").value_or(0)) {}

  // Why a tensor is left out, or "".
  std::string left_out(const std::string& name) const {
    if (name.ends_with("position_ids") || name.ends_with("rotary_emb.inv_freq"))
      return "it is computed";
    const std::string_view own = own_part(name);
    if (own == "lm_head.weight" && tied_) return "it is tied to the table of words";
    if (embeddings_) {
      return own == "lm_head.weight" && rules_.drops_lm_head
                 ? "embeddings need none, and mlx-embeddings has none (--layout mlx-lm keeps it)"
                 : "";
    }
    const auto begins = [&](std::string_view part) { return own.starts_with(part); };
    if (std::ranges::any_of(rules_.other_parts, begins))
      return "mlx-lm has the text model alone (--layout mlx-embeddings keeps it)";
    const std::optional<int64_t> layer = layer_of(own);
    if (layer && layers_ && *layer >= *layers_)
      return "config.json counts " + std::to_string(*layers_) + " layers";
    const auto has = [&](std::string_view part) { return own.find(part) != own.npos; };
    if (layer && *layer >= with_own_keys_ && std::ranges::any_of(rules_.of_own_keys, has))
      return "the layer reads the keys and values of another";
    return "";
  }

  std::string renamed(const std::string& name) const {
    for (const models::MlxName& part : rules_.names) {
      const size_t at = embeddings_ ? name.npos : name.find(part.own);
      if (at != name.npos) return std::string(name).replace(at, part.own.size(), part.mlx);
    }
    if (nested_ && !name.starts_with("score.")) {
      constexpr std::string_view kWhole = "model.language_model.", kPart = "language_model.";
      if (name.starts_with(kWhole)) return "language_model.model." + name.substr(kWhole.size());
      return name.starts_with(kPart) ? name : std::string(kPart) + name;
    }
    const std::string_view prefix = rules_.backbone_prefix;
    const bool of_head = name.starts_with("score.") || name.starts_with("lm_head.");
    if (!embeddings_ || !prefixed_ || of_head || name.starts_with(prefix)) return name;
    return std::string(prefix) + name;
  }

  const models::MlxRules& rules() const { return rules_; }

 private:
  bool embeddings_;
  models::MlxRules rules_;
  bool prefixed_, nested_, tied_;
  std::optional<int64_t> layers_;
  int64_t with_own_keys_ = 0;  // layers before those that read others' keys
};

struct Expert {
  std::string stacked;  // model.layers.0.mlp.switch_mlp.up_proj.weight
  int64_t number = 0;
};

// Of model.layers.0.mlp.experts.3.up_proj.weight.
std::optional<Expert> expert_of(const models::MlxExperts& rules, const std::string& name) {
  constexpr std::string_view kExperts = ".experts.";
  const size_t at = name.find(kExperts);
  if (at == name.npos) return std::nullopt;
  const size_t begin = at + kExperts.size(), end = name.find('.', begin);
  if (end == name.npos || !is_number(std::string_view(name).substr(begin, end - begin)))
    return std::nullopt;
  const std::string_view rest = std::string_view(name).substr(end + 1);
  const size_t kind = std::min(rest.find('.'), rest.size());
  const std::pair<std::string_view, const char*> matrices[] = {
      {rules.gate, "gate_proj"}, {rules.up, "up_proj"}, {rules.down, "down_proj"}};
  const auto* known = std::ranges::find(matrices, rest.substr(0, kind),
                                        &std::pair<std::string_view, const char*>::first);
  if (known == std::end(matrices)) return std::nullopt;
  return Expert{name.substr(0, at) + "." + std::string(rules.place) + "." + known->second +
                    std::string(rest.substr(kind)),
                std::stoll(name.substr(begin, end - begin))};
}

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorCode::kCorrupt, message); }

// Experts in the order of their numbers, none missing, all of one shape.
NewTensor stack(const std::string& name, std::map<int64_t, checkpoint::StoredTensor> experts) {
  NewTensor made{.name = name, .shape = {}, .sources = {}};
  for (auto& [number, tensor] : experts) {
    if (number != static_cast<int64_t>(made.sources.size()))
      fail(checkpoint::title(tensor) + ": expert " + std::to_string(made.sources.size()) +
           " is missing");
    if (number > 0 && tensor.shape != experts.begin()->second.shape)
      fail(checkpoint::title(tensor) + ": of another shape than the first expert's");
    made.sources.push_back(tensor);
  }
  made.shape = made.sources.front().shape;
  made.shape.insert(made.shape.begin(), static_cast<int64_t>(made.sources.size()));
  return made;
}

}  // namespace

models::MlxRules mlx_rules(const json::object& config) {
  const models::Family* family = family_of(config);
  return family ? family->mlx : models::MlxRules();
}

bool keeps_type(Layout layout, const models::MlxRules& rules, std::string_view name) {
  const auto has = [&](std::string_view part) { return name.find(part) != name.npos; };
  return layout == Layout::kMlxLm && std::ranges::any_of(rules.uncast, has);
}

bool holds_matrices(const models::MlxRules& rules, std::string_view name) {
  if (rules.latent_heads &&
      (name.ends_with(".embed_q.weight") || name.ends_with(".unembed_out.weight")))
    return true;
  if (!rules.experts) return false;
  const std::string place = "." + std::string(rules.experts->place) + ".";
  return std::ranges::any_of(std::array{"gate_proj.weight", "up_proj.weight", "down_proj.weight"},
                             [&](const char* matrix) { return name.ends_with(place + matrix); });
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
  if (!name.ends_with(kWeight) || shape.size() != (of_matrices ? 3 : 2) || !is_float()) return "";
  return name.substr(0, name.size() - kWeight.size());
}

std::vector<NewTensor> name_tensors(Layout layout, const json::object& config, Tensors tensors,
                                    std::vector<std::string>& notes) {
  to_mlx_form(config, tensors);
  if (layout == Layout::kMlxEmbeddings) write_tied_head(config, tensors);
  const Names names(layout, config, tensors);
  const std::optional<models::MlxExperts>& own = names.rules().experts;
  std::vector<NewTensor> made;
  std::map<std::string, std::map<int64_t, checkpoint::StoredTensor>> experts;
  for (auto& [name, tensor] : tensors) {
    if (const std::string why = names.left_out(name); !why.empty()) {
      notes.push_back(checkpoint::name_text(name) + " is left out: " + why);
      continue;
    }
    const std::optional<Expert> expert = own ? expert_of(*own, name) : std::nullopt;
    if (expert) {
      experts[expert->stacked].emplace(expert->number, std::move(tensor));
      continue;
    }
    made.push_back(
        {.name = names.renamed(name), .shape = tensor.shape, .sources = {std::move(tensor)}});
  }
  for (auto& [name, list] : experts) made.push_back(stack(names.renamed(name), std::move(list)));
  for (NewTensor& tensor : made) tensor.of_matrices = holds_matrices(names.rules(), tensor.name);
  std::ranges::sort(made, before, &NewTensor::name);
  const auto twice = std::ranges::adjacent_find(made, {}, &NewTensor::name);
  if (twice != made.end())
    fail(checkpoint::title(twice->sources.front()) + " and another tensor are both " +
         checkpoint::name_text(twice->name) + " in layout " + to_string(layout));
  return made;
}

int64_t parameters_of(const std::vector<NewTensor>& tensors) {
  const auto above = [](const std::string& path) {
    const size_t dot = path.rfind('.');
    return path.substr(0, dot == path.npos ? 0 : dot);
  };
  std::set<std::string> holders;  // of other layers
  for (const NewTensor& tensor : tensors) {
    std::string layer = above(tensor.name);
    while (!layer.empty()) holders.insert(layer = above(layer));
  }
  int64_t parameters = 0;
  for (const NewTensor& tensor : tensors)
    parameters += holders.contains(above(tensor.name)) ? 0 : tensor.numbers();
  return parameters;
}

}  // namespace vecton::convert
