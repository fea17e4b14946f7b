#include "cli/foreign_options.h"

#include <algorithm>
#include <unordered_map>

namespace vecton::cli {

namespace {

std::vector<ForeignOption> all_rows() {
  std::vector<ForeignOption> rows;
  for (const auto part : {foreign_model_rows(), foreign_server_rows()})
    rows.insert(rows.end(), part.begin(), part.end());
  return rows;
}

std::unordered_multimap<std::string, const ForeignOption*> by_spelling() {
  std::unordered_multimap<std::string, const ForeignOption*> index;
  for (const ForeignOption& row : foreign_options()) {
    for (const std::string& option : options_of(row))
      for (const std::string& spelling : split(option, ',')) index.emplace(spelling, &row);
  }
  return index;
}

// The options of these programs that variables of the environment stand for. A container's HOSTNAME
// is the machine's name, not an address to listen on: TEI's --hostname is left out.
constexpr std::string_view kTeiVariables =
    "--model-id --revision --tokenization-workers --dtype --served-model-name --pooling "
    "--max-concurrent-requests --max-batch-tokens --max-batch-requests --max-client-batch-size "
    "--auto-truncate --default-prompt-name --default-prompt --dense-path --device-id "
    "--hf-api-token --port --uds-path --huggingface-hub-cache --payload-limit --api-key "
    "--json-output --disable-spans --otlp-endpoint --otlp-service-name --prometheus-port "
    "--cors-allow-origin";
constexpr std::string_view kInfinityVariables =
    "--model-id --served-model-name --batch-size --revision --trust-remote-code --engine "
    "--model-warmup --vector-disk-cache --device --device-id --lengths-via-tokenize --dtype "
    "--embedding-dtype --pooling-method --compile --bettertransformer --preload-only --host --port "
    "--url-prefix --redirect-slash --log-level --permissive-cors --api-key --proxy-root-path "
    "--onnx-disable-optimize --onnx-do-not-prefer-quantized";

// llama-server's that do not follow from an option's name.
struct LlamaVariable {
  std::string_view name, option;
};
constexpr LlamaVariable kLlamaVariables[] = {
    {"LLAMA_ARG_BATCH", "--batch-size"},
    {"LLAMA_ARG_UBATCH", "--ubatch-size"},
    {"LLAMA_ARG_N_PARALLEL", "--parallel"},
    {"LLAMA_ARG_ROPE_SCALING_TYPE", "--rope-scaling"},
    {"LLAMA_ARG_STATIC_PATH", "--path"},
    {"LLAMA_ARG_ENDPOINT_METRICS", "--metrics"},
    {"LLAMA_ARG_ENDPOINT_PROPS", "--props"},
    {"LLAMA_ARG_ENDPOINT_SLOTS", "--slots"},
    {"LLAMA_ARG_THINK", "--reasoning-format"},
    {"LLAMA_ARG_THINK_BUDGET", "--reasoning-budget"},
    {"LLAMA_ARG_THINK_BUDGET_MESSAGE", "--reasoning-budget-message"},
    {"LLAMA_ARG_CHECKPOINT_MIN_SPACING_NT", "--checkpoint-min-step"},
    {"MTMD_BACKEND_DEVICE", "--mmproj-device"},
};

// "--max-batch-tokens" as TEI's MAX_BATCH_TOKENS.
std::string variable_name(std::string_view option) {
  std::string name(option.substr(option.find_first_not_of('-')));
  std::ranges::transform(name, name.begin(), [](char c) {
    return c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return name;
}

}  // namespace

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::span<const ForeignOption> foreign_options() {
  static const std::vector<ForeignOption> rows = all_rows();
  return rows;
}

const ForeignOption* find_foreign_option(std::string_view name, unsigned programs) {
  static const auto index = by_spelling();
  const auto [begin, end] = index.equal_range(std::string(name));
  const ForeignOption* first = nullptr;
  for (auto at = begin; at != end; ++at) {
    if ((at->second->programs & programs) != 0) return at->second;
    if (!first || at->second < first) first = at->second;
  }
  return first;
}

std::vector<std::string> options_of(const ForeignOption& row) { return split(row.names, ' '); }

std::vector<std::string> variables_of(const ForeignOption& row) {
  const auto has = [](std::string_view list, const std::string& name) {
    return std::ranges::count(split(list, ' '), name) > 0;
  };
  std::vector<std::string> variables;
  for (const std::string& option : options_of(row)) {
    for (const std::string& spelling : split(option, ',')) {
      if ((row.programs & kTei) != 0 && has(kTeiVariables, spelling))
        variables.push_back(variable_name(spelling));
      if ((row.programs & kInfinity) != 0 && has(kInfinityVariables, spelling))
        variables.push_back("INFINITY_" + variable_name(spelling));
      if ((row.programs & kLlamaServer) == 0) continue;
      if (spelling.starts_with("--")) variables.push_back("LLAMA_ARG_" + variable_name(spelling));
      for (const LlamaVariable& irregular : kLlamaVariables)
        if (irregular.option == spelling) variables.emplace_back(irregular.name);
    }
  }
  for (const std::string& name : split(row.environment, ',')) variables.push_back(name);
  return variables;
}

}  // namespace vecton::cli
