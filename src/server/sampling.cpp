#include "server/sampling.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "base/json.h"

namespace vecton::server {

namespace {

constexpr size_t kMaxStops = 16;
constexpr int64_t kMaxChoices = 16384;

// What other servers know, or knew under this name.
constexpr struct {
  const char *field, *instead;
} kUnserved[] = {
    {"guided_json", "send structured_outputs: {\"json\": ...}"},
    {"guided_regex", "send structured_outputs: {\"regex\": ...}"},
    {"guided_choice", "send structured_outputs: {\"choice\": ...}"},
    {"guided_grammar", "send structured_outputs: {\"grammar\": ...}"},
    {"guided_json_object", "send structured_outputs: {\"json_object\": true}"},
    {"guided_decoding_backend", "leave it out: there is one backend"},
    {"guided_whitespace_pattern", "send structured_outputs: {\"whitespace_pattern\": ...}"},
    {"json_schema", "send response_format: {\"type\": \"json_schema\", ...}"},
    {"grammar", "send structured_outputs: {\"grammar\": ...}"},
    {"repetition_detection", "leave it out"},
    {"logprob_token_ids", "send top_logprobs"},
    {"kv_transfer_params", "leave it out"},
    {"prompt_embeds", "send a prompt"},
    {"suffix", "leave it out"},
    {"audio", "leave it out: the model gives text"},
    {"prediction", "leave it out"},
    {"web_search_options", "leave it out"},
    {"functions", "send tools"},
    {"function_call", "send tool_choice"},
};

// By these one API or another changes what is generated.
constexpr Effective kGeneration[] = {
    {"add_generation_prompt", "true"},
    {"allowed_token_ids"},
    {"audio"},
    {"background", "false"},
    {"bad_words", "[]"},
    {"best_of", "1"},
    {"cache_salt"},
    {"chat_template"},
    {"chat_template_kwargs", "{}"},
    {"context", "[]"},
    {"continue_final_message", "false"},
    {"conversation"},
    {"documents", "[]"},
    {"dry_multiplier", "0"},
    {"echo", "false"},
    {"enable_thinking"},
    {"format", "\"\""},
    {"frequency_penalty", "0"},
    {"function_call"},
    {"functions", "[]"},
    {"grammar", "\"\""},
    {"guided_choice"},
    {"guided_decoding_backend"},
    {"guided_grammar"},
    {"guided_json"},
    {"guided_json_object"},
    {"guided_regex"},
    {"guided_whitespace_pattern"},
    {"ignore_eos", "false"},
    {"include", "[]"},
    {"include_stop_str_in_output", "false"},
    {"instructions"},
    {"json_schema"},
    {"logit_bias", "{}"},
    {"logprob_token_ids"},
    {"logprobs", "false"},
    {"max_completion_tokens"},
    {"max_new_tokens"},
    {"max_output_tokens"},
    {"max_tokens"},
    {"mcp_servers", "[]"},
    {"min_p", "0"},
    {"min_tokens", "0"},
    {"mirostat", "0"},
    {"modalities", R"(["text"])"},
    {"n", "1"},
    {"n_predict"},
    {"n_probs", "0"},
    {"num_predict"},
    {"options", "{}"},
    {"output_config", "{}"},
    {"output_format"},
    {"parallel_tool_calls", "true"},
    {"prediction"},
    {"presence_penalty", "0"},
    {"previous_response_id"},
    {"priority", "0"},
    {"prompt_logprobs"},
    {"raw", "false"},
    {"reasoning"},
    {"reasoning_effort"},
    {"repeat_penalty", "1"},
    {"repetition_detection"},
    {"repetition_penalty", "1"},
    {"response_format", R"({"type":"text"})"},
    {"return_token_ids", "false"},
    {"return_tokens_as_token_ids", "false"},
    {"seed"},
    {"skip_special_tokens", "true"},
    {"spaces_between_special_tokens", "true"},
    {"stop", "[]"},
    {"stop_sequences", "[]"},
    {"stop_token_ids", "[]"},
    {"stream_options", "{}"},
    {"structured_outputs"},
    {"suffix", "\"\""},
    {"system", "\"\""},
    {"temperature"},
    {"template", "\"\""},
    {"text"},
    {"think"},
    {"thinking"},
    {"thinking_token_budget", "-1"},
    {"tool_choice"},
    {"tools", "[]"},
    {"top_a", "0"},
    {"top_logprobs", "0"},
    {"top_p", "1"},
    {"typical_p", "1"},
    {"use_beam_search", "false"},
    {"web_search_options"},
    {"xtc_probability", "0"},
};

void refuse_unserved(Fields& fields) {
  for (const auto& [field, instead] : kUnserved) {
    if (!fields.any(field)) continue;
    fields.wrong(field, "extra_forbidden", std::string("is not served: ") + instead);
  }
  if (fields.any("modalities")) {
    for (const std::string& modality : fields.texts("modalities")) {
      if (modality != "text")
        fields.wrong("modalities", "literal_error", "expected \"text\" alone: it is what is given");
    }
  }
  if (fields.boolean("use_beam_search").value_or(false))
    fields.wrong("use_beam_search", "extra_forbidden", "beam search is not served: send n");
  if (const auto budget = fields.integer("thinking_token_budget", -1); budget && *budget != -1) {
    fields.wrong("thinking_token_budget", "extra_forbidden",
                 "is not served: send reasoning_effort, or max_tokens");
  }
}

void read_stop(Fields& fields, Generate& generate) {
  const json::value* stop = fields.any("stop");
  if (!stop) return;
  if (stop->is_string()) {
    generate.stop = {std::string(stop->get_string())};
  } else {
    generate.stop = fields.texts("stop");
  }
  if (generate.stop.size() > kMaxStops)
    fields.wrong("stop", "too_long", "expected at most " + std::to_string(kMaxStops) + " texts");
  for (const std::string& text : generate.stop) {
    if (text.empty()) fields.wrong("stop", "too_short", "a stop text must not be empty");
  }
}

void read_bias(Fields& fields, Generate& generate) {
  const json::object* bias = fields.object("logit_bias");
  if (!bias) return;
  for (const auto& [key, value] : *bias) {
    const std::string_view text = key;
    int32_t id = -1;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), id);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size() || id < 0) {
      return fields.wrong(
          "logit_bias", "dict_type",
          "expected token ids as keys, found \"" + std::string(text.substr(0, 60)) + "\"");
    }
    if (!value.is_number()) return fields.wrong("logit_bias", "float_type", "expected numbers");
    const double number = std::clamp(value.to_number<double>(), -100.0, 100.0);
    generate.logit_bias.emplace_back(id, static_cast<float>(number));
  }
}

// Null where it is not there, or null.
const json::value* member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && !value->is_null() ? value : nullptr;
}

StructuredOutput of_schema(const json::value& schema, const std::string& field) {
  StructuredOutput output;
  if (schema.is_string()) {
    output.kind = JsonSchema{.schema = std::string(schema.get_string())};
  } else if (schema.is_object() || schema.is_bool()) {
    output.kind = JsonSchema{.schema = json::serialize(schema)};
  } else {
    throw Failure(Cause::kInvalid, field + ": expected a JSON schema", field);
  }
  return output;
}

// A structural tag is one of the notations of a grammar.
StructuredOutput of_tag(const json::value& tag, const std::string& field) {
  json::value document = tag;
  try {
    if (tag.is_string()) document = base::parse_json(tag.get_string(), field);
  } catch (const Error& error) {
    throw Failure(Cause::kInvalid, error.what(), field);
  }
  if (!document.is_object())
    throw Failure(Cause::kInvalid, field + ": expected a structural tag, or its JSON", field);
  StructuredOutput output;
  output.kind = Grammar{.grammar = json::serialize(document)};
  return output;
}

std::optional<StructuredOutput> structured_by_kind(Fields& body, const json::object& given) {
  const std::string where = "structured_outputs";
  Fields fields(given, where);
  StructuredOutput output;
  int kinds = 0;
  if (const json::value* schema = fields.any("json")) {
    output = of_schema(*schema, where + ".json");
    ++kinds;
  }
  if (const auto pattern = fields.text("regex")) {
    output.kind = Regex{.pattern = *pattern};
    ++kinds;
  }
  if (fields.any("choice")) {
    output.kind = vecton::Choice{.choices = fields.texts("choice")};
    if (std::get<vecton::Choice>(output.kind).choices.empty())
      fields.wrong("choice", "too_short", "must not be empty");
    ++kinds;
  }
  if (const auto grammar = fields.text("grammar")) {
    if (grammar->empty()) fields.wrong("grammar", "too_short", "must not be empty");
    output.kind = Grammar{.grammar = *grammar};
    ++kinds;
  }
  if (const auto object = fields.boolean("json_object")) {
    if (!*object) fields.wrong("json_object", "literal_error", "expected true");
    output.kind = JsonObject{};
    ++kinds;
  }
  if (const json::value* tag = fields.any("structural_tag")) {
    output = of_tag(*tag, where + ".structural_tag");
    ++kinds;
  }
  output.disable_any_whitespace = fields.boolean("disable_any_whitespace").value_or(false);
  output.disable_additional_properties =
      fields.boolean("disable_additional_properties").value_or(false);
  output.whitespace_pattern = fields.text("whitespace_pattern");
  if (fields.good() && kinds != 1) {
    fields.wrong("json", "value_error",
                 "expected exactly one of json, regex, choice, grammar, json_object and "
                 "structural_tag");
  }
  fields.finish_within(body);
  return output;
}

}  // namespace

std::vector<int32_t> token_ids(Fields& fields, std::string_view key) {
  const json::value* value = fields.any(key);
  const json::array* list = value ? value->if_array() : nullptr;
  if (value && (!list || !(list->empty() || list->front().is_number())))
    fields.wrong(key, "list_type", "expected a list of token ids");
  if (!list || list->empty() || !list->front().is_number()) return {};
  Inputs inputs = fields.inputs(key, false);
  if (inputs.items.empty()) return {};
  return std::get<std::vector<int32_t>>(std::move(inputs.items.front()));
}

std::optional<double> above_zero(Fields& fields, std::string_view key, double most) {
  const auto number = fields.number(key, 0, most);
  if (number == 0.0) fields.wrong(key, "greater_than", "expected more than 0");
  return number;
}

std::optional<StructuredOutput> structured_by_format(Fields& fields, const json::object& format,
                                                     const std::string& field) {
  const json::value* type = format.if_contains("type");
  const std::string_view word =
      type && type->is_string() ? std::string_view(type->get_string()) : std::string_view();
  const json::value* schema = member(format, "schema");
  const json::value* wrapped = member(format, "json_schema");
  if (wrapped && !wrapped->is_object())
    throw Failure(Cause::kInvalid, field + ".json_schema: expected an object", field);
  if (wrapped && (schema || word != "json_schema")) {
    throw Failure(Cause::kInvalid,
                  field + ".json_schema: is for the type 'json_schema', without `schema`", field);
  }
  if (schema && word == "text") {
    throw Failure(Cause::kInvalid,
                  field + ".schema: is for the types 'json_schema' and 'json_object'", field);
  }
  if (word == "structural_tag" && field == "response_format") return of_tag(format, field);
  fields.note_unread(field, format,
                     {"type", "schema", "json_schema", "name", "description", "strict"});
  if (wrapped) {
    fields.note_unread(field + ".json_schema", wrapped->get_object(),
                       {"schema", "name", "description", "strict"});
  }
  if (word == "text") return {};
  if (word == "json_object") {
    if (schema) return of_schema(*schema, field + ".schema");
    return StructuredOutput{.kind = JsonObject{}};
  }
  if (word == "json_schema") {
    if (wrapped) schema = member(wrapped->get_object(), "schema");
    // OpenAI's chats wrap it, its other routes and Anthropic's do not.
    const bool wraps = wrapped || field == "response_format";
    const std::string where = field + (wraps ? ".json_schema.schema" : ".schema");
    if (!schema) throw Failure(Cause::kInvalid, where + ": field required", field);
    return of_schema(*schema, where);
  }
  throw Failure(Cause::kInvalid,
                field + ".type: expected 'text', 'json_object'" +
                    (field == "response_format" ? ", 'json_schema' or 'structural_tag'"
                                                : " or 'json_schema'"),
                field);
}

std::optional<StructuredOutput> read_structured_output(Fields& fields) {
  const json::object* format = fields.object("response_format");
  const json::object* kinds = fields.object("structured_outputs");
  std::optional<StructuredOutput> output;
  if (format) output = structured_by_format(fields, *format, "response_format");
  if (!kinds) return output;
  if (output) {
    throw Failure(Cause::kInvalid,
                  "response_format and structured_outputs exclude each other: send one",
                  "structured_outputs");
  }
  return structured_by_kind(fields, *kinds);
}

const char* structure_field(Fields& fields) {
  return fields.any("structured_outputs") ? "structured_outputs" : "response_format";
}

Generate read_sampling(const Context&, Fields& fields) {
  Generate generate;
  generate.temperature = fields.number("temperature", 0, 2);
  // What is so small divides by nothing useful: vLLM's least temperature that is not greedy.
  if (generate.temperature && *generate.temperature >= 1e-5)
    generate.temperature = std::max(*generate.temperature, 0.01);
  generate.top_p = above_zero(fields, "top_p", 1);
  generate.top_k = fields.integer("top_k", -1);
  generate.min_p = fields.number("min_p", 0, 1);
  generate.repetition_penalty = above_zero(fields, "repetition_penalty");
  generate.presence_penalty = fields.number("presence_penalty", -2, 2);
  generate.frequency_penalty = fields.number("frequency_penalty", -2, 2);
  generate.n = fields.integer("n", 1).value_or(1);
  if (generate.n > kMaxChoices)
    fields.wrong("n", "less_than_equal", "expected at most " + std::to_string(kMaxChoices));
  if (const auto seed = fields.integer("seed"); seed && *seed != -1)
    generate.seed = static_cast<uint64_t>(*seed);
  generate.min_tokens = fields.integer("min_tokens", 0).value_or(0);
  read_stop(fields, generate);
  generate.stop_token_ids = token_ids(fields, "stop_token_ids");
  generate.include_stop_str_in_output =
      fields.boolean("include_stop_str_in_output").value_or(false);
  generate.ignore_eos = fields.boolean("ignore_eos").value_or(false);
  read_bias(fields, generate);
  if (fields.any("bad_words")) generate.bad_words = fields.texts("bad_words");
  if (fields.any("allowed_token_ids"))
    generate.allowed_token_ids = token_ids(fields, "allowed_token_ids");
  generate.skip_special_tokens = fields.boolean("skip_special_tokens");
  generate.spaces_between_special_tokens =
      fields.boolean("spaces_between_special_tokens").value_or(true);
  generate.prompt_logprobs = fields.integer("prompt_logprobs", -1);
  refuse_unserved(fields);
  fields.ignore({"user", "metadata", "store", "service_tier", "verbosity", "safety_identifier",
                 "prompt_cache_key", "prompt_cache_retention", "moderation", "length_penalty",
                 "session_id", "stream_interval", "vllm_xargs", "return_weight_versions"});
  return generate;
}

std::vector<std::string> finish_generation(Fields& fields) { return fields.finish(kGeneration); }

std::optional<int64_t> read_best_of(const Context& context, Fields& fields, Generate& generate) {
  const auto best_of = fields.integer("best_of", 1);
  if (!best_of || *best_of == generate.n) return std::nullopt;
  if (*best_of < generate.n || *best_of > kMaxChoices) {
    fields.wrong("best_of", "value_error", "expected n to " + std::to_string(kMaxChoices));
  } else if (fields.boolean("stream").value_or(false)) {
    fields.wrong("best_of", "value_error",
                 "more than n are not streamed: which are the best is known in the end");
  } else if (generate.temperature.value_or(context.generation_defaults.temperature) < 1e-5) {
    fields.wrong("best_of", "value_error",
                 "must be n when temperature is 0: all would be the same");
  }
  if (!generate.logprobs) generate.logprobs = 0;
  return std::exchange(generate.n, *best_of);
}

StreamOptions read_stream(const Context& context, Fields& fields) {
  StreamOptions options;
  options.stream = fields.boolean("stream").value_or(false);
  options.include_usage = options.stream && context.options.force_include_usage;
  const json::object* given = fields.object("stream_options");
  if (!given) return options;
  if (!options.stream) {
    throw Failure(Cause::kInvalid, "Stream options can only be defined when `stream=True`.",
                  "stream_options");
  }
  Fields inner(*given, "body.stream_options");
  options.include_usage |= inner.boolean("include_usage").value_or(false);
  options.continuous_usage =
      options.include_usage && inner.boolean("continuous_usage_stats").value_or(false);
  inner.ignore({"include_obfuscation"});
  inner.finish_within(fields);
  return options;
}

}  // namespace vecton::server
