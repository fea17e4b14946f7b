#include "checkpoint/input_module.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "base/files.h"
#include "base/json.h"
#include "checkpoint/name_text.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

namespace fs = std::filesystem;

// What a task's model gives, and under which name the module hands it on.
struct TaskName {
  std::string_view name;
  TransformerTask task;
  std::string_view method_output, module_output;
};
constexpr TaskName kTasks[] = {
    {"feature-extraction", TransformerTask::kFeatureExtraction, "last_hidden_state",
     kTokenEmbeddings},
    {"sequence-classification", TransformerTask::kSequenceClassification, "logits", kScores},
    {"text-generation", TransformerTask::kTextGeneration, "logits", kCausalLogits},
    {"any-to-any", TransformerTask::kTextGeneration, "logits", kCausalLogits},  // of texts here
    {"fill-mask", TransformerTask::kFillMask, "logits", kTokenEmbeddings},
};

[[noreturn]] void refuse(const Config& config, const std::string& message) {
  throw Error(ErrorCode::kUnsupported, config.file() + ": " + message);
}

const TaskName& task_of(const Config& config, TransformerTask by_default) {
  const std::string name = config.string_or("transformer_task", to_string(by_default));
  const auto* known = std::ranges::find(kTasks, name, &TaskName::name);
  if (known != std::end(kTasks)) return *known;
  std::string names;
  for (const TaskName& task : kTasks) names += (names.empty() ? "" : ", ") + std::string(task.name);
  refuse(config,
         "transformer_task " + quoted_text(name) + " is not supported, only " + names +
             (name == "retrieval" ? " (ColPali and its kin open without modules.json)" : ""));
}

// Texts are served: what is said of images, audio and video changes nothing of them.
void read_modality_config(const Config& config, const TaskName& task, InputModule& module) {
  const std::optional<Config> modalities = config.child("modality_config");
  if (!modalities) return;
  if (!modalities->has("text") && !modalities->has("message"))
    refuse(config, "\"modality_config\" has no \"text\"");
  for (const char* name : {"text", "message"}) {
    const std::optional<Config> modality = modalities->child(name);
    if (!modality) continue;
    if (std::string_view(name) == "text" && module.vectors) {
      modality->require("method", "get_text_features");
      modality->require("method_output_name", "pooler_output");  // null: of older transformers
      continue;
    }
    modality->require("method", "forward");
    modality->require("method_output_name", json::string(task.method_output));
    if (std::string_view(name) == "text") continue;
    // Where there are messages, texts go as messages too.
    const std::string format = modality->string("format");
    if (format != "structured" && format != "flat")
      refuse(config, "\"modality_config.message.format\": " + quoted_text(format) +
                         " is not supported, only structured and flat");
    module.messages = MessageFormat{.structured = format == "structured", .variables = {}};
  }
  for (const std::string& path : modalities->unread())
    modalities->ignore({path.substr(path.rfind('.') + 1)});
}

// Keys of the arguments of a tokenizer's call that change nothing here: there is no padding, and
// how texts are cut is the request's to say.
void read_call(const Config& call, InputModule& module) {
  call.ignore({"padding", "padding_side", "pad_to_multiple_of", "truncation", "return_tensors",
               "return_attention_mask", "return_token_type_ids", "logits_to_keep"});
  call.require("add_special_tokens", true);
  if (call.has("max_length")) {
    const int64_t length = call.integer("max_length");
    module.max_seq_length = std::min(length, module.max_seq_length.value_or(length));
  }
  for (const std::string& key : call.unread())
    refuse(call, quoted_text(key) + " is not supported; max_length is");
}

void read_chat_template(const Config& settings, InputModule& module) {
  if (!module.messages) return;  // texts are not messages: nobody asks the template
  MessageFormat& messages = *module.messages;
  settings.ignore({"padding", "truncation", "return_tensors"});
  messages.restore_suffix = settings.boolean_or("restore_suffix", true);
  messages.add_generation_prompt = settings.boolean_or("add_generation_prompt", false);
  settings.require("continue_final_message", false);
  settings.require("tools", nullptr);
  settings.require("documents", nullptr);
  settings.require("chat_template", nullptr);
  if (settings.has("max_length")) module.max_seq_length = settings.integer("max_length");
  json::object variables;
  for (const std::string& path : settings.unread()) {
    const std::string key = path.substr(path.rfind('.') + 1);
    variables[key] = *settings.raw(key);
  }
  if (!variables.empty()) messages.variables = json::serialize(variables);
}

void read_processing(const Config& config, InputModule& module) {
  const std::optional<Config> processing = config.child("processing_kwargs");
  if (!processing) return;
  processing->ignore({"image", "audio", "video"});
  for (const char* name : {"common", "text"}) {
    if (const std::optional<Config> call = processing->child(name)) read_call(*call, module);
  }
  if (const std::optional<Config> settings = processing->child("chat_template"))
    read_chat_template(*settings, module);
}

// Arguments with which the library opened model, tokenizer and config.
void read_arguments(const Config& config, InputModule& module) {
  // Precision, devices and where files come from are this program's own options.
  static constexpr std::string_view kHarmless[] = {"torch_dtype",
                                                   "dtype",
                                                   "attn_implementation",
                                                   "device_map",
                                                   "use_safetensors",
                                                   "low_cpu_mem_usage",
                                                   "trust_remote_code",
                                                   "code_revision",
                                                   "use_cache",
                                                   "add_pooling_layer",
                                                   "use_fast",
                                                   "local_files_only",
                                                   "unpad_inputs",
                                                   "use_memory_efficient_attention",
                                                   "use_flash_attn",
                                                   "padding_side"};
  for (const char* name : {"model_args", "model_kwargs", "tokenizer_args", "processor_kwargs",
                           "config_args", "config_kwargs"}) {
    const std::optional<Config> arguments = config.child(name);
    if (!arguments) continue;
    for (const std::string_view key : kHarmless) arguments->ignore({key});
    if (arguments->has("model_max_length") && !module.max_seq_length)
      module.max_seq_length = arguments->integer("model_max_length");
    arguments->ignore({"model_max_length"});
    for (const std::string& key : arguments->unread())
      refuse(config, quoted_text(key) +
                         " is not supported here; config.json and "
                         "tokenizer_config.json say how the model is read");
  }
}

void read_query_expansion(const Config& config, InputModule& module) {
  if (config.has("query_length")) module.query_length = config.integer("query_length");
  if (config.has("document_length")) module.document_length = config.integer("document_length");
  const std::optional<Config> expansion = config.child("query_expansion");
  if (!expansion) return;
  const std::string strategy = expansion->string("strategy");
  if (strategy != "fixed" && strategy != "min")
    refuse(config, "\"query_expansion.strategy\": " + quoted_text(strategy) +
                       " is not supported, only fixed and min");
  module.query_expansion = QueryExpansion{.length = expansion->integer("length"),
                                          .cut = strategy == "fixed",
                                          .attend = expansion->boolean_or("attend", false),
                                          .token = expansion->string_or("token", "")};
  if (module.messages)
    refuse(config, "\"query_expansion\" is not supported beside \"modality_config.message\"");
}

}  // namespace

std::string_view to_string(TransformerTask task) {
  return std::ranges::find(kTasks, task, &TaskName::task)->name;
}

// The name of the file depends on the class that wrote it.
InputModule read_transformer(const fs::path& folder, TransformerTask task, Notes& notes) {
  static constexpr std::string_view kNames[] = {
      "sentence_bert_config.json",       "sentence_roberta_config.json",
      "sentence_distilbert_config.json", "sentence_camembert_config.json",
      "sentence_albert_config.json",     "sentence_xlm-roberta_config.json",
      "sentence_xlnet_config.json",
  };
  InputModule module{.folder = folder, .task = task};
  const auto* name =
      std::ranges::find_if(kNames, [&](std::string_view n) { return base::is_file(folder / n); });
  if (name == std::end(kNames)) return module;
  const Config config = Config::read(folder / *name);
  if (config.has("max_seq_length")) module.max_seq_length = config.integer("max_seq_length");
  module.lower_case = config.boolean_or("do_lower_case", false);
  const TaskName& named = task_of(config, task);
  module.task = named.task;
  module.vectors = named.task == TransformerTask::kFeatureExtraction &&
                   config.string_or("module_output_name", "") == "sentence_embedding";
  if (!module.vectors) config.require("module_output_name", json::string(named.module_output));
  read_modality_config(config, named, module);
  read_processing(config, module);
  read_arguments(config, module);
  read_query_expansion(config, module);
  config.require("tokenizer_name_or_path", nullptr);
  config.ignore({"unpad_inputs"});  // how batches are laid out
  note_unread(config, notes);
  return module;
}

InputModule read_static_embedding(const fs::path& folder) {
  return {.kind = InputModule::Kind::kStaticEmbedding, .folder = folder};
}

InputModule read_sparse_static_embedding(const fs::path& folder, Notes& notes) {
  InputModule module{.kind = InputModule::Kind::kSparseStaticEmbedding, .folder = folder};
  const fs::path file = folder / "config.json";
  if (!base::is_file(file)) return module;
  const Config config = Config::read(file);
  config.ignore({"frozen"});  // of training
  if (config.has("path"))
    refuse(config,
           "\"path\": weights in another file are not supported; save the model, so that "
           "they are in the module's model.safetensors");
  note_unread(config, notes);
  return module;
}

}  // namespace vecton::checkpoint
