#include "generation/defaults.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/files.h"
#include "base/json.h"
#include "checkpoint/name_text.h"
#include "vecton/error.h"

namespace vecton::generation {

namespace {

namespace fs = std::filesystem;

// A number, or a list of them.
std::vector<int32_t> ids_of(const checkpoint::Config& config, std::string_view key) {
  const json::value* value = config.raw(key);
  if (!value) return {};
  std::vector<int32_t> ids;
  const auto add = [&](const json::value& id) {
    if (!id.is_int64() || id.as_int64() < 0 || id.as_int64() > INT32_MAX) {
      throw Error(ErrorCode::kCorrupt, config.file() + ": " + std::string(key) +
                                           ": expected a token id or a list of them");
    }
    ids.push_back(static_cast<int32_t>(id.as_int64()));
  };
  if (value->is_array()) {
    for (const json::value& id : value->as_array()) add(id);
  } else {
    add(*value);
  }
  return ids;
}

void in_range(const checkpoint::Config& config, const char* key, double value, bool ok,
              const char* expected) {
  if (ok) return;
  throw Error(ErrorCode::kCorrupt, config.file() + ": " + key + ": " + std::to_string(value) +
                                       " is out of range; expected " + expected);
}

// An empty list is as good as none.
bool is_nothing(const checkpoint::Config& config, std::string_view key) {
  const json::value* value = config.raw(key);
  return value && value->is_array() && value->get_array().empty();
}

// Of transformers' generate(): what would change the tokens and is not computed here.
void require_neutral(const checkpoint::Config& config) {
  using Value = checkpoint::Config::Value;
  const std::pair<const char*, Value> neutral[] = {
      {"num_beams", int64_t{1}},
      {"num_beam_groups", int64_t{1}},
      {"diversity_penalty", 0.0},
      {"no_repeat_ngram_size", int64_t{0}},
      {"encoder_no_repeat_ngram_size", int64_t{0}},
      {"encoder_repetition_penalty", 1.0},
      {"typical_p", 1.0},
      {"epsilon_cutoff", 0.0},
      {"eta_cutoff", 0.0},
      {"penalty_alpha", nullptr},
      {"guidance_scale", 1.0},
      {"force_words_ids", nullptr},
      {"constraints", nullptr},
      {"suppress_tokens", nullptr},
      {"begin_suppress_tokens", nullptr},
      {"forced_bos_token_id", nullptr},
      {"forced_eos_token_id", nullptr},
      {"forced_decoder_ids", nullptr},
      {"sequence_bias", nullptr},
      {"exponential_decay_length_penalty", nullptr},
      {"watermarking_config", nullptr},
      {"dola_layers", nullptr},
      {"top_h", nullptr},
  };
  for (const auto& [key, only] : neutral) {
    if (!is_nothing(config, key)) config.require(key, only);
  }
}

// Of transformers' generate(), too: what a request says by a field of its own. vLLM leaves them out
// of its defaults.
void note_what_requests_say(const checkpoint::Config& config, std::vector<std::string>& notes) {
  struct Key {
    const char* name;
    std::optional<int64_t> neutral;
    const char* field;
  };
  const Key keys[] = {
      {"min_length", 0, "min_tokens"},
      {"min_new_tokens", 0, "min_tokens"},
      {"num_return_sequences", 1, "n"},
      {"stop_strings", std::nullopt, "stop"},
      {"bad_words_ids", std::nullopt, "bad_words"},
  };
  for (const Key& key : keys) {
    const json::value* value = config.raw(key.name);
    if (!value || is_nothing(config, key.name)) continue;
    if (key.neutral && *value == json::value(*key.neutral)) continue;
    notes.push_back(config.file() + ": " + key.name + " " + checkpoint::value_text(*value) +
                    " is not used, as in vLLM: a request's " + key.field + " says it");
  }
}

}  // namespace

void Defaults::read(const checkpoint::Config& config) {
  // A request that names a number has narrower limits (settings.cpp): vLLM opens a checkpoint whose
  // own numbers are outside of them, too, so that here is refused what means nothing.
  temperature = config.number_or("temperature", 1);
  in_range(config, "temperature", temperature, temperature >= 0, "0 or more");
  top_p = config.number_or("top_p", 1);
  in_range(config, "top_p", top_p, top_p >= 0 && top_p <= 1, "0 (the likeliest alone) to 1");
  min_p = config.number_or("min_p", 0);
  in_range(config, "min_p", min_p, min_p >= 0 && min_p <= 1, "0 to 1");
  repetition_penalty = config.number_or("repetition_penalty", 1);
  in_range(config, "repetition_penalty", repetition_penalty, repetition_penalty > 0, "more than 0");
  presence_penalty = config.number_or("presence_penalty", 0);
  frequency_penalty = config.number_or("frequency_penalty", 0);
  top_k = std::max<int64_t>(0, config.integer_or("top_k", 0, -1, INT64_MAX));
  if (config.has("max_new_tokens")) max_new_tokens = config.integer("max_new_tokens", 1, INT64_MAX);
  skip_special_tokens = config.boolean_or("skip_special_tokens", true);
  eos_token_ids = ids_of(config, "eos_token_id");
  // Whether and how transformers itself samples, stores and returns; nothing of a token. max_length
  // is that of transformers' own calls.
  config.ignore({"do_sample",
                 "max_length",
                 "early_stopping",
                 "length_penalty",
                 "max_time",
                 "bos_token_id",
                 "pad_token_id",
                 "decoder_start_token_id",
                 "use_cache",
                 "cache_implementation",
                 "cache_config",
                 "return_legacy_cache",
                 "prefill_chunk_size",
                 "output_attentions",
                 "output_hidden_states",
                 "output_scores",
                 "output_logits",
                 "return_dict_in_generate",
                 "remove_invalid_values",
                 "renormalize_logits",
                 "low_memory",
                 "token_healing",
                 "is_assistant",
                 "num_assistant_tokens",
                 "num_assistant_tokens_schedule",
                 "assistant_confidence_threshold",
                 "prompt_lookup_num_tokens",
                 "max_matching_ngram_size",
                 "assistant_early_exit",
                 "assistant_lookbehind",
                 "target_lookbehind",
                 "generation_kwargs",
                 "compile_config",
                 "disable_compile",
                 "transformers_version",
                 "trust_remote_code",
                 "_from_model_config",
                 "_commit_hash",
                 "chat_format",
                 "max_window_size"});
  require_neutral(config);
  note_what_requests_say(config, notes);
  for (const std::string& key : config.unread())
    notes.push_back(config.file() + ": " + key + " is not known, and not used");
}

void Defaults::add_ends(const Tokenizer& tokenizer, const checkpoint::Config& model) {
  const std::vector<int32_t> generations = std::move(eos_token_ids);
  const std::optional<int32_t> own = tokenizer.special_token_id("eos_token");
  std::vector<int32_t> all = ids_of(model, "eos_token_id");
  if (model.has("text_config")) {
    for (const int32_t id : ids_of(*model.child("text_config"), "eos_token_id")) all.push_back(id);
  }
  all.insert(all.end(), generations.begin(), generations.end());
  if (own && (generations.empty() || std::ranges::count(all, *own) > 0)) {
    all.insert(all.begin(), *own);
  }
  eos_token_ids.clear();
  for (const int32_t id : all) {
    if (std::ranges::count(eos_token_ids, id) == 0) eos_token_ids.push_back(id);
  }
}

Defaults read_defaults(const fs::path& model, const std::string& source,
                       const json::object& overrides, const Tokenizer& tokenizer,
                       const checkpoint::Config& config) {
  Defaults defaults;
  const fs::path folder = source == "auto" ? model : fs::path(source);
  const fs::path file = folder / "generation_config.json";
  const bool there = source != "vllm" && base::is_file(file);
  if (!there && source != "auto" && source != "vllm") {
    throw Error(ErrorCode::kInvalidArgument,
                "generation_config: " + file.string() +
                    " is not there; expected auto, vllm or a folder that has a "
                    "generation_config.json",
                "generation_config");
  }
  if (there) {
    defaults.read(checkpoint::Config::read(file, overrides));
  } else if (!overrides.empty()) {
    defaults.read(checkpoint::Config(json::object(), "override_generation_config", overrides));
  }
  defaults.add_ends(tokenizer, config);
  return defaults;
}

}  // namespace vecton::generation
