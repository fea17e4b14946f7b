// Defaults: what a generation_config.json and a checkpoint's other files say of requests that say
// nothing themselves: numbers as vLLM takes them, ends of a text as transformers does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "checkpoint/config.h"
#include "vecton/tokenizer.h"

namespace vecton::generation {

struct Defaults {
  double temperature = 1, top_p = 1, min_p = 0;
  double repetition_penalty = 1, presence_penalty = 0, frequency_penalty = 0;
  int64_t top_k = 0;
  std::optional<int64_t> max_new_tokens;
  bool skip_special_tokens = true;
  // Ends of a text: the tokenizer's (or config.json's), then all others that any file names.
  std::vector<int32_t> eos_token_ids;
  std::vector<std::string> notes;  // what the user should hear of

  // The part of generation_config.json. do_sample changes nothing, as in vLLM. Errors name the file
  // and a key that would change what is generated and is not supported.
  void read(const checkpoint::Config& config);
  // The ends of a text that config.json and generation_config.json name, and the tokenizer's: first
  // of all where they name it too, or where generation_config.json names none. One that names ends
  // means them all, and a text goes on past the tokenizer's, as it does in transformers. (vLLM and
  // mlx-lm end there too: what stands for them adds it to a request's stop_token_ids.) After
  // read().
  void add_ends(const Tokenizer& tokenizer, const checkpoint::Config& model);
};

// `source`: EngineOptions::generation_config: "auto" reads generation_config.json of the model's
// folder where it has one, "vllm" none, and everything else is a folder that has one. `overrides`
// are laid over it.
Defaults read_defaults(const std::filesystem::path& model, const std::string& source,
                       const json::object& overrides, const Tokenizer& tokenizer,
                       const checkpoint::Config& config);

}  // namespace vecton::generation
