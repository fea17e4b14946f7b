#include "engine/adapted.h"

#include <algorithm>
#include <utility>

#include "base/files.h"
#include "checkpoint/model_tensors.h"
#include "vecton/error.h"

namespace vecton::engine {

namespace fs = std::filesystem;

fs::path find_base(const checkpoint::Adapter& adapter, const EngineOptions& options,
                   const std::function<void(const DownloadProgress&)>& progress) {
  fs::path base = adapter.base_folder();
  if (base.empty()) {
    HubOptions hub = options.hub;
    hub.revision = adapter.revision.empty() ? HubOptions().revision : adapter.revision;
    try {
      base = resolve_model(adapter.base, hub, progress);
    } catch (const Error& error) {
      throw Error(
          error.code(),
          adapter.folder.string() + ": an adapter of \"" + adapter.base +
              "\" (base_model_name_or_path), which is no folder here or beside it: " + error.what(),
          error.field());
    }
  }
  if (base::is_file(base / "adapter_config.json") && !base::is_file(base / "config.json")) {
    throw Error(ErrorCode::kUnsupported, adapter.folder.string() + ": its base model " +
                                             base.string() +
                                             " is an adapter itself: merge that one first");
  }
  return base;
}

bool has_tokenizer(const fs::path& folder) {
  static constexpr const char* kFiles[] = {
      "tokenizer.json",          "vocab.txt",    "vocab.json", "tokenizer.model",
      "sentencepiece.bpe.model", "spiece.model", "spm.model",  "tekken.json"};
  return std::ranges::any_of(kFiles,
                             [&](const char* name) { return base::is_file(folder / name); });
}

checkpoint::Tensors tensors_of(const Plan& plan) {
  return checkpoint::model_tensors(plan.weights, plan.quantisation.get(),
                                   plan.adapter ? &*plan.adapter : nullptr);
}

std::optional<checkpoint::HeadKind> head_of(const checkpoint::Adapter& adapter) {
  static constexpr std::pair<std::string_view, checkpoint::HeadKind> kTasks[] = {
      {"FEATURE_EXTRACTION", checkpoint::HeadKind::kNone},
      {"SEQ_CLS", checkpoint::HeadKind::kSequenceClassification},
      {"TOKEN_CLS", checkpoint::HeadKind::kTokenClassification},
      {"CAUSAL_LM", checkpoint::HeadKind::kCausalLm},
      {"QUESTION_ANS", checkpoint::HeadKind::kOther},
  };
  if (adapter.task_type.empty()) return std::nullopt;
  for (const auto& [name, head] : kTasks) {
    if (name == adapter.task_type) return head;
  }
  throw Error(ErrorCode::kUnsupported,
              (adapter.folder / "adapter_config.json").string() + ": task_type \"" +
                  adapter.task_type + "\" (base model \"" + adapter.base +
                  "\") is not supported; FEATURE_EXTRACTION, SEQ_CLS, TOKEN_CLS and CAUSAL_LM are");
}

}  // namespace vecton::engine
