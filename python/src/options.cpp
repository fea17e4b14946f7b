#include "binding.h"

namespace vecton::python {

EngineOptions to_engine_options(nb::dict values) {
  EngineOptions options;
  Arguments arguments(std::move(values));
  arguments.text("model", options.model);
  arguments.text("revision", options.hub.revision);
  arguments.text("cache", options.hub.cache);
  arguments.text("endpoint", options.hub.endpoint);
  arguments.text("token", options.hub.token);
  arguments.flag("offline", options.hub.offline);
  arguments.text("dtype", options.dtype);
  arguments.text("compute", options.compute);
  arguments.text("quantization", options.quantization);
  arguments.text("runner", options.runner);
  arguments.text("convert", options.convert);
  arguments.text("pooler_config", options.pooler_config);
  arguments.text("hf_overrides", options.hf_overrides);
  arguments.integer("max_model_len", options.max_model_len);
  arguments.integer("threads", options.threads);
  arguments.text("backend", options.backend);
  arguments.integer("max_batch_tokens", options.max_batch_tokens);
  arguments.integer("max_queue_tokens", options.max_queue_tokens);
  arguments.integer("max_num_seqs", options.max_num_seqs);
  arguments.text("generation_config", options.generation_config);
  arguments.text("override_generation_config", options.override_generation_config);
  arguments.integer("max_logprobs", options.max_logprobs);
  arguments.text("speculative_config", options.speculative_config);
  arguments.flag("enable_prefix_caching", options.enable_prefix_caching);
  arguments.integer("cache_bytes", options.cache_bytes);
  arguments.text("kv_cache_dtype", options.kv_cache_dtype);
  arguments.integer("limit_images", options.limit_images);
  arguments.text("allowed_local_media_path", options.allowed_local_media_path);
  if (const nb::handle hosts = arguments.take("allowed_media_domains"))
    options.allowed_media_domains = to_texts(hosts, "allowed_media_domains");
  if (const nb::handle seconds = arguments.take("image_fetch_timeout"))
    options.image_fetch_timeout = to_number(seconds, "image_fetch_timeout");
  arguments.text("mm_processor_kwargs", options.mm_processor_kwargs);
  arguments.text("tokenizer", options.tokenizer);
  arguments.text("default_prompt_name", options.default_prompt_name);
  arguments.text("default_prompt", options.default_prompt);
  arguments.text("dense_path", options.dense_path);
  arguments.finish("Engine");
  return options;
}

}  // namespace vecton::python
