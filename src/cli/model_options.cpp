#include "cli/model_options.h"

#include <CLI/App.hpp>
#include <utility>

#include "cli/arguments.h"
#include "cli/failure.h"
#include "cli/progress.h"
#include "cli/terminal.h"

namespace vecton::cli {

namespace {

// Types as vLLM, TEI, infinity and torch call them.
std::string own_dtype(const std::string& name) {
  for (const auto& [other, own] : {std::pair{"half", "float16"},
                                   {"float", "float32"},
                                   {"fp16", "float16"},
                                   {"fp32", "float32"},
                                   {"bf16", "bfloat16"},
                                   {"f16", "float16"},
                                   {"f32", "float32"}}) {
    if (name == other) return own;
  }
  return name;
}

// vLLM's "auto" and -1 for the model's own.
std::string own_length(const std::string& length) {
  return length == "auto" || length == "-1" ? "0" : length;
}

}  // namespace

void add_hub_options(CLI::App& app, std::string& model, HubOptions& hub) {
  app.add_option("MODEL", model, "Folder, GGUF file, or name on the model hub")
      ->required()
      ->type_name("");
  const auto group = "Finding the model";
  app.add_option("--revision", hub.revision, "Branch, tag or commit [main]")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--cache", hub.cache,
                 "Folder of the hub cache [HF_HUB_CACHE, HF_HOME/hub, ~/.cache/huggingface/hub]")
      ->type_name("FOLDER")
      ->group(group);
  app.add_flag("--offline", hub.offline, "Never touch the network [HF_HUB_OFFLINE]")->group(group);
  app.add_option("--hf-token", hub.token, "Access token of the hub [HF_TOKEN]")
      ->type_name("TOKEN")
      ->group(group);
}

void add_engine_options(CLI::App& app, EngineOptions& options) {
  add_hub_options(app, options.model, options.hub);
  const auto group = "Running the model";
  app.add_option("-j,--threads", options.threads,
                 "Threads to compute with [OMP_NUM_THREADS, or one per core]")
      ->type_name("N")
      ->transform(at_least(0))
      ->group(group);
  app.add_option("--dtype", options.dtype,
                 "How weights are kept in memory: auto, float32, float16 or bfloat16 [auto]")
      ->type_name("TYPE")
      ->check(one_of({"auto", "float32", "float16", "bfloat16"}))
      ->transform(own_dtype, "")
      ->group(group);
  app.add_option("--compute", options.compute,
                 "How linear layers are multiplied: float32; bfloat16, which is faster where the "
                 "processor has instructions for it; int8, faster still and less exact; float16, "
                 "with --backend mlx [float32]")
      ->type_name("NAME")
      ->check(one_of({"float32", "bfloat16", "float16", "int8"}))
      ->group(group);
  app.add_option("--max-model-len", options.max_model_len,
                 "Most tokens of one text; auto, 8k, 8K [the model's own]")
      ->type_name("N")
      ->transform(at_least(0))
      ->transform(own_length, "")
      ->group(group);
  app.add_option("--max-num-batched-tokens", options.max_batch_tokens,
                 "Tokens of one forward pass [chosen from the model]")
      ->type_name("N")
      ->transform(at_least(0))
      ->group(group);
  app.add_option("--runner", options.runner, "auto, generate or pooling [auto]")
      ->type_name("NAME")
      ->group(group);
  app.add_option(
         "--convert", options.convert,
         "auto, none, embed: the backbone alone, whatever head the checkpoint has, or classify: a "
         "classifier of a generative model's tokens [auto]")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--pooler-config", options.pooler_config,
                 "Pooling instead of the checkpoint's, such as '{\"pooling_type\": \"CLS\"}'")
      ->type_name("JSON")
      ->group(group);
  app.add_option("--hf-overrides", options.hf_overrides,
                 "Values laid over config.json, such as '{\"is_matryoshka\": true}'")
      ->type_name("JSON")
      ->group(group);
  app.add_option(
         "--mm-processor-kwargs", options.mm_processor_kwargs,
         "Values laid over those of the image processor, such as '{\"max_pixels\": 1003520}'")
      ->type_name("JSON")
      ->group(group);
  app.add_option(
         "--quantization", options.quantization,
         "Quantise a float model while it is opened: mlx-affine-8, mlx-affine-4 (or "
         "mlx-affine-BITS-gGROUP), mxfp4, nvfp4 or mxfp8; of a model that is quantised: how "
         "(awq, gptq, fp8...), or it is refused [as it is]")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--tokenizer", options.tokenizer,
                 "Folder or hub name of another tokenizer [the model's own]")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--dense-path", options.dense_path,
                 "Folder within the checkpoint of the Dense layer that takes the place of "
                 "modules.json's, such as 2_Dense_1024")
      ->type_name("FOLDER")
      ->group(group);
  app.add_flag("--enable-prefix-caching,!--no-enable-prefix-caching", options.enable_prefix_caching,
               "Compute the common beginning of prompts once, for models that read left to right "
               "[yes]")
      ->group(group);
  app.add_option("--cache-bytes", options.cache_bytes,
                 "Memory of the prefix cache [a part of what is free]")
      ->type_name("N")
      ->transform(at_least(0))
      ->group(group);
  app.add_option("--kv-cache-dtype", options.kv_cache_dtype,
                 "How the cache keeps keys and values: auto, float32, bfloat16 (room for twice the "
                 "tokens), fp8 or fp8_e4m3, fp8_e5m2 (four times); attention reads them so [auto: "
                 "float32]")
      ->type_name("TYPE")
      ->check(one_of({"auto", "float32", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2"}))
      ->transform(own_dtype, "")
      ->group(group);
  app.add_option("--backend", options.backend, "cpu, or ref: slow and plain, to compare with [cpu]")
      ->type_name("NAME")
      ->group(group);
}

void add_speculative_options(CLI::App& app, EngineOptions& options) {
  app.add_option("--speculative-config", options.speculative_config,
                 "Guess what comes next from what came before, and check several tokens at once: "
                 "the same tokens, sooner where texts repeat. '{\"method\": \"ngram\", "
                 "\"num_speculative_tokens\": 5, \"prompt_lookup_max\": 4, "
                 "\"prompt_lookup_min\": 2}' [a token at a time]")
      ->type_name("JSON")
      ->group("Running the model");
}

void add_request_options(CLI::App& app, RequestOptions& options) {
  const auto group = "Vectors";
  auto* name = app.add_option("--prompt-name", options.prompt_name,
                              "Prompt of the checkpoint to put before each text [its default one]")
                   ->type_name("NAME")
                   ->group(group);
  app.add_option_function<std::string>(
         "--prompt",
         [&options](const std::string& prompt) {
           options.prompt = prompt;
           options.has_prompt = true;
         },
         "Text to put before each text; '' for none")
      ->type_name("TEXT")
      ->excludes(name)
      ->group(group);
  app.add_option("--role", options.role,
                 "query or document: what the texts are to a retrieval model [neither]")
      ->type_name("ROLE")
      ->check(one_of({"query", "document"}))
      ->group(group);
  app.add_option("-d,--dimensions", options.dimensions,
                 "Keep the first values only, where the model was trained for it (Matryoshka)")
      ->type_name("N")
      ->transform(at_least(1))
      ->group(group);
  auto* normalize =
      app.add_flag("--normalize", options.normalize, "Vectors of length 1 [as the checkpoint says]")
          ->group(group);
  app.add_flag("--no-normalize", options.no_normalize, "Vectors as pooled")
      ->excludes(normalize)
      ->group(group);
  app.add_flag("--truncate,!--no-truncate", options.truncate,
               "Cut a text that is too long to what the model takes [an error]")
      ->group(group);
}

// Of labels and scores: the checkpoint's activation, or logits.
void RequestOptions::set_activation(TaskParameters& task) const {
  const auto set = [this](auto& parameters) {
    if constexpr (requires { parameters.normalize; }) parameters.normalize = normalize;
    if constexpr (requires { parameters.use_activation; }) parameters.use_activation = normalize;
  };
  std::visit(set, task);
}

Request RequestOptions::request(Task task) const {
  Request request{.task = default_parameters(task)};
  if (!prompt_name.empty()) request.prompt.prompt_name = prompt_name;
  if (has_prompt) request.prompt.prompt_text = prompt;
  if (!role.empty()) request.prompt.role = role == "query" ? Role::kQuery : Role::kDocument;
  if (truncate) request.prompt.truncation.to = -1;
  auto* embed = std::get_if<Embed>(&request.task);
  if (embed && dimensions > 0) embed->dimensions = dimensions;
  if (!embed && dimensions > 0)
    throw Failure(ExitStatus::kUsage, "--dimensions is for the task embed only");
  if (normalize || no_normalize) set_activation(request.task);
  return request;
}

std::unique_ptr<Engine> open_engine(const EngineOptions& options) {
  DownloadBar bar(stderr_is_terminal());
  return Engine::open(options, [&](const DownloadProgress& progress) { bar.update(progress); });
}

std::filesystem::path find_model(const std::string& model, const HubOptions& hub) {
  DownloadBar bar(stderr_is_terminal());
  return resolve_model(model, hub, [&](const DownloadProgress& progress) { bar.update(progress); });
}

}  // namespace vecton::cli
