#include "cli/job.h"

#include "base/json.h"

namespace vecton::cli {

// The rest changes no bit of a result (threads, how batches and caches are made, drafts), or is
// where the model is found.
json::object job_of(const EngineOptions& options) {
  return {{"dtype", options.dtype},
          {"compute", options.compute},
          {"max_model_len", options.max_model_len},
          {"runner", options.runner},
          {"convert", options.convert},
          {"pooler_config", options.pooler_config},
          {"hf_overrides", options.hf_overrides},
          {"mm_processor_kwargs", options.mm_processor_kwargs},
          {"quantization", options.quantization},
          {"tokenizer", options.tokenizer},
          {"dense_path", options.dense_path},
          {"kv_cache_dtype", options.kv_cache_dtype},
          {"backend", options.backend}};
}

json::object job_of(const RequestOptions& options) {
  const int normalize = options.normalize ? 1 : options.no_normalize ? 0 : -1;
  return {{"prompt", json::object{{"name", options.prompt_name},
                                  {"text", options.prompt},
                                  {"given", options.has_prompt},
                                  {"role", options.role}}},
          {"dimensions", options.dimensions},
          {"normalize", normalize},
          {"truncate", options.truncate}};
}

// What was not given is null: the model's own, which is no number that can be given.
json::object job_of(const Generate& generate) {
  const auto given = [](const auto& value) { return value ? json::value(*value) : json::value(); };
  return {{"max_tokens", given(generate.max_tokens)},
          {"min_tokens", generate.min_tokens},
          {"temperature", given(generate.temperature)},
          {"top_k", given(generate.top_k)},
          {"top_p", given(generate.top_p)},
          {"min_p", given(generate.min_p)},
          {"repetition_penalty", given(generate.repetition_penalty)},
          {"presence_penalty", given(generate.presence_penalty)},
          {"frequency_penalty", given(generate.frequency_penalty)},
          {"seed", given(generate.seed)},
          {"stop", json::array(generate.stop.begin(), generate.stop.end())},
          {"ignore_eos", generate.ignore_eos}};
}

}  // namespace vecton::cli
