// The routes of models that write: OpenAI's and vLLM's, Anthropic's and Ollama's.
#include "server/description.h"

namespace vecton::server {

namespace {

constexpr const char* kTemperature = R"({"type":"number","minimum":0,"maximum":2})";
constexpr const char* kShareSchema = R"({"type":"number","exclusiveMinimum":0,"maximum":1})";
constexpr const char* kFromZeroToOne = R"({"type":"number","minimum":0,"maximum":1})";
constexpr const char* kPenalty = R"({"type":"number","minimum":-2,"maximum":2})";
constexpr const char* kFactor = R"({"type":"number","exclusiveMinimum":0})";
constexpr const char* kFormat = R"({"$ref":"#/components/schemas/AnswerFormat"})";
constexpr const char* kFormatOrTag =
    R"({"anyOf":[{"$ref":"#/components/schemas/AnswerFormat"},{"type":"object","required":["type"],"properties":{"type":{"enum":["structural_tag"],"type":"string"}},"anyOf":[{"required":["format"]},{"required":["structures","triggers"]}]}]})";
constexpr const char* kIds = R"({"$ref":"#/components/schemas/TokenIds"})";
constexpr const char* kNotSet = R"({"const":false})";

constexpr FieldRow kGenerationHeadRows[] = {
    {"request_id", kText, "Part of the answer's id, where the header X-Request-Id has none."},
    {"stream", kFalse, "Whether the answer is sent as it grows, in server-sent events."},
    {"stream_options", kObject, "With `stream` alone."},
    {"stream_options.include_usage", kFalse, "Whether a last event has the usage."},
    {"stream_options.continuous_usage_stats", kFalse, "Whether every event has it."},
    {"stream_options.include_obfuscation", kAnything, "Ignored."},
};

constexpr FieldRow kSamplingRows[] = {
    {"temperature", kTemperature,
     "0 takes the likeliest token. By default the checkpoint's, or 1."},
    {"top_p", kShareSchema, "Tokens of the likeliest so much of the probability."},
    {"top_k", kLimit, "The so many likeliest tokens; 0 and -1 = all."},
    {"min_p", kFromZeroToOne, "Tokens of at least so much of the likeliest one's probability."},
    {"repetition_penalty", kFactor, "Above 1: what was said is less likely."},
    {"presence_penalty", kPenalty, "Taken from the logits of tokens that were written."},
    {"frequency_penalty", kPenalty, "The same, as often as they were."},
    {"n", R"({"type":"integer","minimum":1,"maximum":16384,"default":1})", "How many answers."},
    {"seed", kWhole, "Of the random numbers; -1 = none."},
    {"min_tokens", R"({"type":"integer","minimum":0,"default":0})", "Before the answer may end."},
    {"stop",
     R"({"anyOf":[{"type":"string","minLength":1},{"type":"array","maxItems":16,"items":{"type":"string","minLength":1}}]})",
     "Texts that end the answer."},
    {"stop_token_ids", kIds, "Tokens that end the answer."},
    {"include_stop_str_in_output", kFalse, "Whether what ended the answer stands in it."},
    {"ignore_eos", kFalse, "Whether the model's own end is no end."},
    {"logit_bias",
     R"({"type":"object","propertyNames":{"pattern":"^[0-9]{1,9}$"},"additionalProperties":{"type":"number"}})",
     "Token ids to what is added to their logits, -100 to 100."},
    {"bad_words", R"({"type":"array","items":{"type":"string","pattern":"[^ \\t\\n\\r]"}})",
     "Texts that are not written."},
    {"allowed_token_ids", R"({"$ref":"#/components/schemas/IdList"})", "The only tokens that are."},
    {"skip_special_tokens", kFlag, "Whether special tokens are left out of the text."},
    {"spaces_between_special_tokens", kTrue, "Whether spaces stand between them."},
    {"prompt_logprobs", kLimit, "Log-probabilities of the prompt, with so many alternatives."},
    {"best_of", R"({"type":"integer","minimum":1,"maximum":16384})",
     "So many are written, and the `n` of the greatest log-probability per token answered, the "
     "best first; `usage` counts all. Not with `stream` where it is more than `n`, and not less."},
    {"use_beam_search", kNotSet, "Is not served: send `n`."},
    {"thinking_token_budget", R"({"const":-1})",
     "Is not served: send `reasoning_effort`, or `max_tokens`."},
    {"guided_json", kRefused, "Send `structured_outputs`: {\"json\": ...}."},
    {"guided_regex", kRefused, "Send `structured_outputs`: {\"regex\": ...}."},
    {"guided_choice", kRefused, "Send `structured_outputs`: {\"choice\": ...}."},
    {"guided_grammar", kRefused, "Send `structured_outputs`: {\"grammar\": ...}."},
    {"guided_json_object", kRefused, "Send `structured_outputs`: {\"json_object\": true}."},
    {"guided_decoding_backend", kRefused, "There is one backend."},
    {"guided_whitespace_pattern", kRefused,
     "Send `structured_outputs`: {\"whitespace_pattern\": ...}."},
    {"json_schema", kRefused, "Send `response_format`: {\"type\": \"json_schema\", ...}."},
    {"grammar", kRefused, "Send `structured_outputs`: {\"grammar\": ...}."},
    {"repetition_detection", kRefused, "Is not served."},
    {"logprob_token_ids", kRefused, "Is not served: send `top_logprobs`."},
    {"kv_transfer_params", kRefused, "Is not served."},
    {"prompt_embeds", kRefused, "Is not served: send a prompt."},
    {"suffix", kRefused, "Is not served."},
    {"audio", kRefused, "Is not served: the model gives text."},
    {"prediction", kRefused, "Is not served."},
    {"web_search_options", kRefused, "Is not served."},
    {"functions", kRefused, "Is not served: send `tools`."},
    {"function_call", kRefused, "Is not served: send `tool_choice`."},
    {"user", kAnything, "Ignored."},
    {"metadata", kAnything, "Ignored."},
    {"store", kAnything, "Ignored."},
    {"service_tier", kAnything, "Ignored."},
    {"verbosity", kAnything, "Ignored."},
    {"modalities", R"({"type":"array","items":{"const":"text"}})", "Text is what is given."},
    {"safety_identifier", kAnything, "Ignored."},
    {"prompt_cache_key", kAnything, "Ignored."},
    {"prompt_cache_retention", kAnything, "Ignored."},
    {"moderation", kAnything, "Ignored."},
    {"length_penalty", kAnything, "Ignored."},
    {"session_id", kAnything, "Ignored."},
    {"stream_interval", kAnything, "Ignored."},
    {"vllm_xargs", kAnything, "Ignored."},
    {"return_weight_versions", kAnything, "Ignored."},
};

constexpr FieldRow kStructureRows[] = {
    {"response_format", kFormatOrTag, "The form of the answer; excludes `structured_outputs`."},
    {"structured_outputs", kObject,
     "Exactly one of `json`, `regex`, `choice`, `grammar`, `json_object` and `structural_tag`."},
    {"structured_outputs.json",
     R"({"anyOf":[{"type":"object"},{"type":"string"},{"type":"boolean"}]})", "A JSON schema."},
    {"structured_outputs.regex", kText, "A regular expression of the whole answer."},
    {"structured_outputs.choice", R"({"type":"array","minItems":1,"items":{"type":"string"}})",
     "The answer is one of these."},
    {"structured_outputs.grammar", R"({"type":"string","minLength":1})",
     "EBNF or Lark's notation."},
    {"structured_outputs.json_object", R"({"const":true})", "Any JSON object."},
    {"structured_outputs.disable_any_whitespace", kFalse, "Whether JSON has no spaces."},
    {"structured_outputs.disable_additional_properties", kFalse,
     "Whether objects have the schema's properties alone."},
    {"structured_outputs.whitespace_pattern", kText, "The spaces that JSON may have."},
    {"structured_outputs.structural_tag",
     R"({"anyOf":[{"type":"object"},{"type":"string","minLength":1}]})",
     "Text in which what stands between certain marks is held to a schema or a grammar."},
};

constexpr FieldRow kTokenRows[] = {
    {"return_tokens_as_token_ids", kFalse, "Whether log-probabilities name tokens `token_id:N`."},
    {"return_token_ids", kFalse, "Whether the answer has its token ids and the prompt's."},
    {"add_special_tokens", kFlag,
     "Whether the tokenizer adds its own; a chat template writes them."},
    {"echo", kFalse, "Whether the prompt, or a chat's last message, stands before the answer."},
};

constexpr FieldRow kCompletionRows[] = {
    {"prompt", R"({"$ref":"#/components/schemas/TextsOrIds"})",
     "A text, a list of texts, token ids, or a list of these.", true},
    {"max_tokens", R"({"type":"integer","minimum":0,"default":16})",
     "How many tokens are written; 0 with `echo` alone."},
    {"logprobs", kCount, "Log-probabilities, with so many alternatives."},
};

constexpr FieldRow kChatRows[] = {
    {"messages", R"({"$ref":"#/components/schemas/Conversation"})", "The conversation.", true},
    {"tools", kTools, "Functions that the model may call."},
    {"tool_choice", kToolChoice,
     "`none`, `auto`, `required`, or {\"type\": \"function\", \"function\": {\"name\"}}."},
    {"parallel_tool_calls", kTrue, "Whether there may be several calls."},
    {"documents", kObjects, "For the chat template."},
    {"chat_template", kText, "Instead of the checkpoint's."},
    {"chat_template_kwargs", kObject, "Variables for the chat template."},
    {"reasoning_effort", kEfforts, "How long the model thinks, where it does."},
    {"enable_thinking", kFlag, "Whether it thinks at all, where it may."},
    {"add_generation_prompt", kTrue, "Whether the template opens an answer."},
    {"continue_final_message", kFalse, "Whether the last message is continued."},
    {"max_completion_tokens", kPositive, "How many tokens are written; by default all that fit."},
    {"max_tokens", kPositive, "Its older name."},
    {"logprobs", kFalse, "Whether the tokens come with their log-probabilities."},
    {"top_logprobs", kLimit, "With so many alternatives; with `logprobs` alone."},
    {"return_prompt_text", kFalse, "Whether the answer has the text of the prompt."},
    {"include_reasoning", kTrue, "Whether the answer has what the model thought."},
};

constexpr FieldRow kResponseRows[] = {
    {"request_id", kText, "Part of the answer's id, where the header X-Request-Id has none."},
    {"input", R"({"anyOf":[{"type":"string"},{"$ref":"#/components/schemas/ResponseItems"}]})",
     "A text, or a list of messages and other items.", true},
    {"instructions", kText, "A system message before them."},
    {"temperature", kTemperature, "0 takes the likeliest token."},
    {"top_p", kShareSchema, "Tokens of the likeliest so much of the probability."},
    {"max_output_tokens", kPositive, "How many tokens are written; by default all that fit."},
    {"stream", kFalse, "Whether the answer is sent as it grows, in server-sent events."},
    {"top_logprobs", kCount, "Log-probabilities, with so many alternatives."},
    {"include", kTexts, "`message.output_text.logprobs`."},
    {"tools",
     R"({"type":"array","maxItems":128,"items":{"$ref":"#/components/schemas/ResponseTool"}})",
     "Functions that may be called."},
    {"tool_choice",
     R"({"anyOf":[{"enum":["none","auto","required"]},{"type":"object","required":["name"],"properties":{"type":{"enum":["function"]},"name":{"type":"string"}}}]})",
     "`none`, `auto`, `required`, or {\"type\": \"function\", \"name\"}."},
    {"parallel_tool_calls", kTrue, "Whether there may be several calls."},
    {"text", kObject, "The form of the answer."},
    {"text.format", kFormat, "`text`, `json_object`, or `json_schema` with `schema`."},
    {"text.verbosity", kAnything, "Ignored."},
    {"reasoning", kObject, "How the model thinks."},
    {"reasoning.effort", kEfforts, "How long, where it does."},
    {"reasoning.summary", kAnything, "Ignored."},
    {"reasoning.generate_summary", kAnything, "Ignored."},
    {"truncation", R"({"enum":["auto","disabled"]})", "Whether a long conversation is cut."},
    {"background", kNotSet, "Is not served."},
    {"previous_response_id", kRefused, "Answers are not stored: send the whole input."},
    {"conversation", kRefused, "Answers are not stored: send the whole input."},
    {"prompt", kRefused, "Is not served: send `input`."},
    {"store", kAnything, "Ignored."},
    {"metadata", kAnything, "Ignored."},
    {"user", kAnything, "Ignored."},
    {"service_tier", kAnything, "Ignored."},
    {"safety_identifier", kAnything, "Ignored."},
    {"prompt_cache_key", kAnything, "Ignored."},
    {"prompt_cache_retention", kAnything, "Ignored."},
    {"max_tool_calls", kAnything, "Ignored."},
    {"stream_options", kAnything, "Ignored."},
};

constexpr FieldRow kAnthropicRows[] = {
    {"messages",
     R"({"type":"array","minItems":1,"items":{"$ref":"#/components/schemas/AnthropicTurn"}})",
     "The conversation.", true},
    {"system",
     R"({"anyOf":[{"type":"string"},{"type":"array","items":{"$ref":"#/components/schemas/Part"}}]})",
     "A system message before it: a text, or blocks of text."},
    {"tools",
     R"({"type":"array","maxItems":128,"items":{"type":"object","required":["name","input_schema"],"properties":{"name":{"type":"string","minLength":1},"description":{"type":["string","null"]},"input_schema":{"type":"object"}}}})",
     "Functions that may be called."},
    {"tool_choice", kObject, "Which."},
    {"tool_choice.type", R"({"enum":["auto","any","tool","none"]})", "Whether one has to be.",
     true},
    {"tool_choice.name", kText, "With `tool`: which."},
    {"tool_choice.disable_parallel_tool_use", kFalse, "Whether there may be one call alone."},
    {"thinking", kObject, "How the model thinks."},
    {"thinking.type", R"({"enum":["enabled","disabled","adaptive"]})", "Whether.", true},
    {"thinking.budget_tokens", kCount, "Is read, and has no effect."},
    {"thinking.display", kAnything, "Ignored."},
    {"output_config", kObject, "The form of the answer."},
    {"output_config.effort", R"({"enum":["low","medium","high","xhigh","max"]})",
     "How long the model thinks, where it does."},
    {"output_config.format", kFormat, "`json_schema` with `schema`."},
    {"output_format", kFormat, "The same, as it was called before; excludes the other."},
    {"cache_control", kAnything, "Ignored."},
};
constexpr FieldRow kAnswerRows[] = {
    {"max_tokens", kPositive, "How many tokens are written.", true},
    {"temperature", kFromZeroToOne, "0 takes the likeliest token."},
    {"top_p", kShareSchema, "Tokens of the likeliest so much of the probability."},
    {"top_k", kLimit, "The so many likeliest tokens."},
    {"stop_sequences", R"({"type":"array","items":{"type":"string","minLength":1}})",
     "Texts that end the answer."},
    {"stream", kFalse, "Whether the answer is sent as it grows, in server-sent events."},
    {"metadata", kAnything, "Ignored."},
    {"service_tier", kAnything, "Ignored."},
    {"container", kAnything, "Ignored."},
};

constexpr FieldRow kOllamaRows[] = {
    {"stream", kTrue, "Whether the answer is sent as it grows, in lines of JSON."},
    {"options", kObject, "How tokens are chosen."},
    {"options.temperature", kTemperature, "0 takes the likeliest token."},
    {"options.top_k", kLimit, "The so many likeliest tokens."},
    {"options.top_p", kShareSchema, "Tokens of the likeliest so much of the probability."},
    {"options.min_p", kFromZeroToOne, "Tokens of so much of the likeliest one's probability."},
    {"options.repeat_penalty", kFactor, "Above 1: what was said is less likely."},
    {"options.presence_penalty", kPenalty, "Taken from the logits of tokens that were written."},
    {"options.frequency_penalty", kPenalty, "The same, as often as they were."},
    {"options.seed", kWhole, "Of the random numbers; -1 = none."},
    {"options.num_predict", R"({"type":"integer","minimum":-2})", "How many tokens are written."},
    {"options.stop", R"({"type":"array","items":{"type":"string","minLength":1}})",
     "Texts that end the answer."},
    {"options.typical_p", R"({"const":1})", "Is not served."},
    {"options.mirostat", R"({"const":0})", "Is not served."},
    {"options.tfs_z", R"({"const":1})", "Is not served."},
    {"options.num_ctx", kAnything, "Ignored."},
    {"options.num_keep", kAnything, "Ignored."},
    {"options.num_batch", kAnything, "Ignored."},
    {"options.num_thread", kAnything, "Ignored."},
    {"options.num_gpu", kAnything, "Ignored."},
    {"options.main_gpu", kAnything, "Ignored."},
    {"options.use_mmap", kAnything, "Ignored."},
    {"options.use_mlock", kAnything, "Ignored."},
    {"options.numa", kAnything, "Ignored."},
    {"options.low_vram", kAnything, "Ignored."},
    {"options.f16_kv", kAnything, "Ignored."},
    {"options.vocab_only", kAnything, "Ignored."},
    {"options.repeat_last_n", R"({"type":"integer","minimum":-1})",
     "0: there are no penalties. They look at all of the text, whatever else it says."},
    {"options.mirostat_tau", kAnything, "Ignored."},
    {"options.mirostat_eta", kAnything, "Ignored."},
    {"options.penalize_newline", kAnything, "Ignored."},
    {"think", R"({"anyOf":[{"type":"boolean"},{"enum":["low","medium","high","max"]}]})",
     "Whether, or how long, the model thinks."},
    {"format", R"({"anyOf":[{"enum":["","json"]},{"type":"object"}]})",
     "`json`, or a JSON schema of the answer."},
    {"logprobs", kFalse, "Whether the tokens come with their log-probabilities."},
    {"top_logprobs", kCount, "With so many alternatives."},
    {"keep_alive", kAnything, "The model stays."},
    {"truncate", kAnything, "Ignored."},
    {"shift", kAnything, "Ignored."},
};
constexpr FieldRow kOllamaChatRows[] = {
    {"messages", R"({"type":"array","items":{"$ref":"#/components/schemas/OllamaMessage"}})",
     "The conversation; without one the model is loaded, which it is."},
    {"tools", R"({"type":"array","maxItems":128,"items":{"$ref":"#/components/schemas/Tool"}})",
     "Functions that may be called."},
};
constexpr FieldRow kOllamaPromptRows[] = {
    {"prompt", kText, "The text; without one the model is loaded, which it is."},
    {"images", kTexts, "Pictures in base64 that come before the text, for models that read them."},
    {"system", kText, "A system message before it."},
    {"raw", kFalse, "Whether the text is the whole prompt, without the chat template."},
    {"suffix", R"({"type":"string","maxLength":0})", "Is not served."},
    {"template", R"({"type":"string","maxLength":0})", "Is not served: send `raw`."},
    {"context", kIds, "Token ids that an earlier answer gave."},
};
constexpr FieldRow kShowRows[] = {
    {"name", kText, "The older word for `model`."},
    {"verbose", kAnything, "Ignored."},
    {"system", kAnything, "Ignored."},
    {"template", kAnything, "Ignored."},
    {"options", kAnything, "Ignored."},
};

constexpr FieldRow kOllamaEmbedRows[] = {
    {"input", R"({"anyOf":[{"type":"string"},{"type":"array","items":{"type":"string"}}]})",
     "A text, or a list of texts.", true},
    {"dimensions", kPositive, "Matryoshka: cut, then normalized."},
};
constexpr FieldRow kOllamaEmbeddingsRows[] = {{"prompt", kText, "A text.", true}};
constexpr FieldRow kOllamaCutRows[] = {
    {"truncate", kTrue, "Whether a text that is too long is cut, else it is an error."},
    {"options", kAnything, "Ignored."},
    {"keep_alive", kAnything, "Ignored."},
};

constexpr FieldRows kCompletionGroups[] = {kModelRow,      kGenerationHeadRows, kCompletionRows,
                                           kSamplingRows,  kStructureRows,      kTokenRows,
                                           kPromptRuleRows};
constexpr FieldRows kChatGroups[] = {kModelRow,      kGenerationHeadRows, kChatRows,
                                     kSamplingRows,  kStructureRows,      kTokenRows,
                                     kPromptRuleRows};
constexpr FieldRows kResponseGroups[] = {kModelRow, kResponseRows};
constexpr FieldRows kMessagesGroups[] = {kModelRow, kAnthropicRows, kAnswerRows};
constexpr FieldRows kCountGroups[] = {kModelRow, kAnthropicRows};
constexpr FieldRows kOllamaChatGroups[] = {kModelRow, kOllamaChatRows, kOllamaRows};
constexpr FieldRows kOllamaPromptGroups[] = {kModelRow, kOllamaPromptRows, kOllamaRows};
constexpr FieldRows kOllamaEmbedGroups[] = {kModelRow, kOllamaEmbedRows, kOllamaCutRows};
constexpr FieldRows kOllamaEmbeddingsGroups[] = {kModelRow, kOllamaEmbeddingsRows, kOllamaCutRows};
constexpr FieldRows kShowGroups[] = {kModelRow, kShowRows};

constexpr const char* kHello = R"({"messages":[{"role":"user","content":"Hello"}],"max_tokens":8})";

constexpr const char* kStreamRule =
    R"({"if":{"required":["stream_options"]},"then":{"required":["stream"],"properties":{"stream":{"const":true}}}})";
constexpr const char* kPromptLogprobsRule =
    R"({"if":{"required":["prompt_logprobs"]},"then":{"properties":{"stream":{"not":{"const":true}}}}})";
constexpr const char* kStructureRule =
    R"({"if":{"required":["structured_outputs"]},"then":{"properties":{"structured_outputs":{"oneOf":[{"required":["json"]},{"required":["regex"]},{"required":["choice"]},{"required":["grammar"]},{"required":["json_object"]},{"required":["structural_tag"]}]},"response_format":{"anyOf":[{"type":"null"},{"type":"object","properties":{"type":{"const":"text"}}}]}}}})";
// Answers of the likeliest tokens would all be the same.
constexpr const char* kLikeliestRule =
    R"({"if":{"required":["temperature"],"properties":{"temperature":{"type":"number","exclusiveMaximum":0.00001}}},"then":{"properties":{"n":{"maximum":1}}}})";
constexpr const char* kSpacesRule =
    R"({"if":{"required":["spaces_between_special_tokens"],"properties":{"spaces_between_special_tokens":{"const":false}}},"then":{"properties":{"skip_special_tokens":{"not":{"const":false}}}}})";
constexpr const char* kNoTokensRule =
    R"({"if":{"required":["max_tokens"],"properties":{"max_tokens":{"const":0}}},"then":{"required":["echo"],"properties":{"echo":{"const":true}}}})";
constexpr const char* kTopLogprobsRule =
    R"({"if":{"required":["top_logprobs"],"properties":{"top_logprobs":{"type":"integer","not":{"const":0}}}},"then":{"required":["logprobs"],"properties":{"logprobs":{"const":true}}}})";
// A choice of tools needs some; a call that has to be made leaves no other form.
constexpr const char* kToolsRule =
    R"({"if":{"required":["tool_choice"],"properties":{"tool_choice":{"not":{"enum":["none",null]}}}},"then":{"required":["tools"]}})";
constexpr const char* kForcedRule =
    R"({"if":{"required":["tool_choice"],"properties":{"tool_choice":{"not":{"enum":["none","auto",null]}}}},"then":{"properties":{"structured_outputs":{"type":"null"},"response_format":{"anyOf":[{"type":"null"},{"type":"object","properties":{"type":{"const":"text"}}}]}}}})";
constexpr const char* kResponseForcedRule =
    R"({"if":{"required":["tool_choice"],"properties":{"tool_choice":{"not":{"enum":["none","auto",null]}}}},"then":{"required":["tools"],"properties":{"tools":{"minItems":1},"text":{"properties":{"format":{"anyOf":[{"type":"null"},{"type":"object","properties":{"type":{"const":"text"}}}]}}}}}})";
constexpr const char* kAnthropicToolsRule =
    R"({"if":{"required":["tool_choice"],"properties":{"tool_choice":{"type":"object","properties":{"type":{"enum":["auto","any","tool"]}}}}},"then":{"required":["tools"],"properties":{"tools":{"minItems":1}}}})";
constexpr const char* kAnthropicNameRule =
    R"({"if":{"required":["tool_choice"],"properties":{"tool_choice":{"type":"object","properties":{"type":{"enum":["tool"]}}}}},"then":{"properties":{"tool_choice":{"required":["name"]}}}})";
constexpr const char* kAnthropicForcedRule =
    R"({"if":{"required":["tool_choice"],"properties":{"tool_choice":{"type":"object","properties":{"type":{"enum":["any","tool"]}}}}},"then":{"properties":{"output_format":{"anyOf":[{"type":"null"},{"type":"object","properties":{"type":{"const":"text"}}}]},"output_config":{"properties":{"format":{"anyOf":[{"type":"null"},{"type":"object","properties":{"type":{"const":"text"}}}]}}}}}})";
constexpr const char* kAnthropicFormatRule =
    R"({"if":{"required":["output_format"],"properties":{"output_format":{"type":"object","properties":{"type":{"not":{"const":"text"}}}}}},"then":{"properties":{"output_config":{"properties":{"format":{"anyOf":[{"type":"null"},{"type":"object","properties":{"type":{"const":"text"}}}]}}}}}})";
constexpr const char* kCompletionRules[] = {kStructureRule, kStreamRule,    kPromptLogprobsRule,
                                            kNoTokensRule,  kLikeliestRule, kSpacesRule};
constexpr const char* kChatRules[] = {kStructureRule, kToolsRule,          kTopLogprobsRule,
                                      kStreamRule,    kPromptLogprobsRule, kLikeliestRule,
                                      kContinueRule,  kForcedRule,         kSpacesRule};
constexpr const char* kResponseRules[] = {kResponseForcedRule};
constexpr const char* kAnthropicRules[] = {kAnthropicToolsRule, kAnthropicNameRule,
                                           kAnthropicForcedRule, kAnthropicFormatRule};
constexpr const char* kOllamaRules[] = {kTopLogprobsRule};
constexpr BodyRow kResponseBody{"ResponseRequest", kResponseGroups,
                                R"({"input":"Hello","max_output_tokens":8})", kResponseRules};
constexpr BodyRow kMessagesBody{"MessagesRequest", kMessagesGroups, kHello, kAnthropicRules};
constexpr BodyRow kCountBody{"CountTokensRequest", kCountGroups,
                             R"({"messages":[{"role":"user","content":"Hello"}]})",
                             kAnthropicRules};
constexpr BodyRow kOllamaChatBody{
    "OllamaChatRequest", kOllamaChatGroups,
    R"({"messages":[{"role":"user","content":"Hello"}],"stream":false,"options":{"num_predict":8}})",
    kOllamaRules};
constexpr BodyRow kOllamaPromptBody{
    "OllamaGenerateRequest", kOllamaPromptGroups,
    R"({"prompt":"Hello","stream":false,"options":{"num_predict":8}})", kOllamaRules};
constexpr BodyRow kOllamaEmbedBody{"OllamaEmbedRequest", kOllamaEmbedGroups,
                                   R"({"input":["a sentence","another one"]})"};
constexpr BodyRow kOllamaEmbeddingsBody{"OllamaEmbeddingsRequest", kOllamaEmbeddingsGroups,
                                        R"({"prompt":"a sentence"})"};
constexpr BodyRow kShowBody{"OllamaShowRequest", kShowGroups, "{}"};

constexpr std::string_view kCompletionPaths[] = {"/v1/completions"};
constexpr std::string_view kChatPaths[] = {"/v1/chat/completions"};
constexpr std::string_view kResponsePaths[] = {"/v1/responses"};
constexpr std::string_view kMessagesPaths[] = {"/v1/messages"};
constexpr std::string_view kCountPaths[] = {"/v1/messages/count_tokens"};
constexpr std::string_view kOllamaChatPaths[] = {"/api/chat"};
constexpr std::string_view kOllamaPromptPaths[] = {"/api/generate"};
constexpr std::string_view kOllamaEmbedPaths[] = {"/api/embed"};
constexpr std::string_view kOllamaEmbeddingsPaths[] = {"/api/embeddings"};
constexpr std::string_view kShowPaths[] = {"/api/show"};

constexpr const BodyRow* kCompletion[] = {&kCompletionBody};
constexpr const BodyRow* kChat[] = {&kChatBody};
constexpr const BodyRow* kResponse[] = {&kResponseBody};
constexpr const BodyRow* kMessages[] = {&kMessagesBody};
constexpr const BodyRow* kCountTokens[] = {&kCountBody};
constexpr const BodyRow* kOllamaChat[] = {&kOllamaChatBody};
constexpr const BodyRow* kOllamaPrompt[] = {&kOllamaPromptBody};
constexpr const BodyRow* kOllamaEmbed[] = {&kOllamaEmbedBody};
constexpr const BodyRow* kOllamaEmbeddings[] = {&kOllamaEmbeddingsBody};
constexpr const BodyRow* kShow[] = {&kShowBody};

constexpr const char* kEvents = "text/event-stream";
constexpr const char* kLines = "application/x-ndjson";
constexpr OperationRow kGenerationOperations[] = {
    {"POST", kChatPaths, "Text that the model writes", "The next message of a conversation",
     "ChatCompletion", kEvents, kChat},
    {"POST", kCompletionPaths, "Text that the model writes", "The continuation of a text",
     "Completion", kEvents, kCompletion},
    {"POST", kResponsePaths, "Text that the model writes",
     "OpenAI's newer form, without a memory of earlier answers", "Response", kEvents, kResponse},
    {"POST", kMessagesPaths, "Text that the model writes", "Anthropic's form", "AnthropicMessage",
     kEvents, kMessages},
    {"POST", kCountPaths, "Tokens", "How many tokens a conversation has", "TokenCount", nullptr,
     kCountTokens},
    {"POST", kOllamaChatPaths, "Text that the model writes", "Ollama's form of a conversation",
     "OllamaAnswer", kLines, kOllamaChat},
    {"POST", kOllamaPromptPaths, "Text that the model writes", "Ollama's form of a text",
     "OllamaAnswer", kLines, kOllamaPrompt},
    {"POST", kOllamaEmbedPaths, "Vectors", "One vector per text, for Ollama's clients",
     "OllamaEmbeddings", nullptr, kOllamaEmbed},
    {"POST", kOllamaEmbeddingsPaths, "Vectors", "The vector of one text, Ollama's older form",
     "OllamaEmbedding", nullptr, kOllamaEmbeddings},
    {"POST", kShowPaths, "The server", "What the model is, for Ollama's clients", "Object", nullptr,
     kShow},
};

}  // namespace

constexpr BodyRow kCompletionBody{"CompletionRequest", kCompletionGroups,
                                  R"({"prompt":"Once upon a time","max_tokens":8})",
                                  kCompletionRules};
constexpr BodyRow kChatBody{"ChatCompletionRequest", kChatGroups, kHello, kChatRules};

std::span<const OperationRow> generation_operations() { return kGenerationOperations; }

}  // namespace vecton::server
