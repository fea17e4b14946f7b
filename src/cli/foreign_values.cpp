#include "cli/foreign_values.h"

#include "base/ascii.h"
#include "base/json.h"
#include "base/json_text.h"
#include "cli/failure.h"

namespace vecton::cli {

namespace {

std::string first_name(const ForeignOption& option) {
  return split(options_of(option).front(), ',').front();
}

[[noreturn]] void wrong(const ForeignOption& option, const std::string& value,
                        const std::string& expected) {
  throw Failure(ExitStatus::kUsage,
                first_name(option) + ": expected " + expected + ", found " + value);
}

Arguments pooler(const char* key, const json::value& value) {
  return {"--pooler-config", base::json_text(json::object{{key, value}})};
}

}  // namespace

Arguments translate_host(const ForeignOption&, const std::string& value) {
  return {value.ends_with(".sock") ? "--uds" : "--host", value};
}

Arguments translate_pooling(const ForeignOption& option, const std::string& value) {
  const std::string name = base::ascii_lower(value);
  if (name == "auto" || name == "rank") return {};  // as the checkpoint says; so does a reranker's
  if (name == "none") return pooler("task", "token_embed");
  for (const auto& [known, type] : {std::pair{"cls", "CLS"},
                                    {"mean", "MEAN"},
                                    {"last", "LAST"},
                                    {"last-token", "LAST"},
                                    {"splade", "SPLADE"}}) {
    if (name == known) return pooler("pooling_type", type);
  }
  wrong(option, value, "cls, mean, last-token or splade");
}

Arguments translate_task(const ForeignOption& option, const std::string& value) {
  if (value == "auto") return {};
  if (value == "embed" || value == "embedding")
    return {"--runner", "pooling", "--convert", "embed"};
  if (value == "classify" || value == "score" || value == "reward") return {"--runner", "pooling"};
  if (value == "generate") return {"--runner", "generate"};
  wrong(option, value, "embed, classify, score, reward or generate");
}

Arguments translate_log_level(const ForeignOption& option, const std::string& value) {
  const std::string level = base::ascii_lower(value);
  for (const char* loud : {"info", "debug", "trace", "notset"})
    if (level == loud) return {"--log-level", "info"};
  for (const char* quiet : {"warning", "warn", "error", "critical", "fatal"})
    if (level == quiet) return {"--log-level", "error"};
  if (level == "off") return {"--log-level", "off"};
  wrong(option, value, "off, critical, error, warning, info, debug or trace");
}

Arguments translate_quiet_log(const ForeignOption&, const std::string& value) {
  if (value != "true") return {};
  return {"--log-level", "error"};
}

Arguments translate_json_log(const ForeignOption&, const std::string& value) {
  return {"--log-format", value == "true" ? "json" : "text"};
}

Arguments translate_origin(const ForeignOption&, const std::string& value) {
  json::array origins;
  for (const std::string& origin : split(value, ',')) origins.emplace_back(origin);
  return {"--allowed-origins", base::json_text(origins)};
}

Arguments translate_page(const ForeignOption&, const std::string& value) {
  if (value == "true") return {};
  return {"--disable-playground"};
}

Arguments translate_permissive(const ForeignOption&, const std::string& value) {
  return {"--allowed-origins", value == "true" ? "[\"*\"]" : "[]"};
}

Arguments translate_aliases(const ForeignOption&, const std::string& value) {
  Arguments out;
  for (const std::string& name : split(value, ',')) {
    out.push_back("--served-model-name");
    out.push_back(name);
  }
  return out;
}

Arguments translate_cache_mib(const ForeignOption& option, const std::string& value) {
  if (value == "-1") return {};
  if (value == "0") return {"--no-enable-prefix-caching"};
  if (value.empty() || value.size() > 9 || value.find_first_not_of("0123456789") != value.npos)
    wrong(option, value, "a number of MiB");
  return {"--cache-bytes", std::to_string(std::stoll(value) << 20)};
}

Arguments translate_cache_flag(const ForeignOption&, const std::string& value) {
  return {value == "true" ? "--enable-prefix-caching" : "--no-enable-prefix-caching"};
}

Arguments translate_normalize(const ForeignOption& option, const std::string& value) {
  if (value == "2") return pooler("use_activation", true);
  if (value == "-1") return pooler("use_activation", false);
  wrong(option, value, "2 (vectors of length 1) or -1 (as pooled)");
}

// vLLM's short forms of --speculative-config.
Arguments translate_speculation(const ForeignOption& option, const std::string& value) {
  const auto config = [](const char* key, json::value part) -> Arguments {
    return {"--speculative-config", base::json_text(json::object{{key, std::move(part)}})};
  };
  const std::string name = first_name(option);
  if (name == "--spec-method") return config("method", json::value(value));
  if (value.empty() || value.size() > 4 || value.find_first_not_of("0123456789") != value.npos)
    wrong(option, value, "a number of tokens");
  const char* key = name == "--spec-tokens"               ? "num_speculative_tokens"
                    : name == "--ngram-prompt-lookup-max" ? "prompt_lookup_max"
                                                          : "prompt_lookup_min";
  return config(key, std::stoll(value));
}

// llama-server's defaults of requests, by generation_config.json's names.
Arguments translate_sampling(const ForeignOption& option, const std::string& value) {
  constexpr std::pair<std::string_view, std::string_view> kKeys[] = {
      {"--temp", "temperature"},
      {"--top-k", "top_k"},
      {"--top-p", "top_p"},
      {"--min-p", "min_p"},
      {"--repeat-penalty", "repetition_penalty"},
      {"--presence-penalty", "presence_penalty"},
      {"--frequency-penalty", "frequency_penalty"},
      {"--predict", "max_new_tokens"}};
  const auto* key = std::ranges::find(kKeys, first_name(option),
                                      &std::pair<std::string_view, std::string_view>::first);
  boost::system::error_code error;
  const json::value number = json::parse(value, error);
  if (error || !number.is_number()) wrong(option, value, "a number");
  return {"--override-generation-config", base::json_text(json::object{{key->second, number}})};
}

// vLLM's StructuredOutputsConfig. Which library holds answers to a structure makes no difference
// here.
Arguments translate_structure(const ForeignOption& option, const std::string& value) {
  boost::system::error_code error;
  const json::value config = json::parse(value, error);
  if (error || !config.is_object()) wrong(option, value, "a JSON object");
  const auto refuse = [&](std::string_view member, const std::string& works) {
    throw Failure(ExitStatus::kUsage, first_name(option) + ": " + std::string(member) +
                                          " is not supported; what works: " + works);
  };
  Arguments out;
  for (const auto& [member, given] : config.as_object()) {
    const std::string name = member;
    const bool neutral = given.is_null() || given == json::value(false) || given == json::value("");
    if (neutral || name == "backend" || name == "disable_fallback") continue;
    if (name == "reasoning_parser") {
      if (!given.is_string()) wrong(option, base::json_text(given), "a name as reasoning_parser");
      out = {"--reasoning-parser", std::string(given.as_string())};
    } else if (name == "disable_any_whitespace" || name == "disable_additional_properties") {
      refuse(name, name + " in structured_outputs of the request");
    } else if (name == "enable_in_reasoning") {
      refuse(name, "false: what is asked of an answer begins after its thinking");
    } else if (name == "reasoning_parser_plugin") {
      refuse(name, "reasoning_parser: no Python runs here");
    } else {
      wrong(option, name,
            "backend, disable_fallback, disable_any_whitespace, disable_additional_properties, "
            "reasoning_parser or enable_in_reasoning");
    }
  }
  return out;
}

Arguments translate_rope(const ForeignOption& option, const std::string& value) {
  boost::system::error_code error;
  const json::value parsed = json::parse(value, error);
  const bool theta = first_name(option) == "--rope-theta";
  if (error || !(theta ? parsed.is_number() : parsed.is_object()))
    wrong(option, value, theta ? "a number" : "a JSON object, as config.json has it");
  return {"--hf-overrides",
          base::json_text(json::object{{theta ? "rope_theta" : "rope_scaling", parsed}})};
}

}  // namespace vecton::cli
