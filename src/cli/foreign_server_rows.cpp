// Options of other programs for the server, and for what is not there. Sources: vLLM 0.33's
// EngineArgs and FrontendArgs, text-embeddings-router 1.9's Args, infinity_emb 0.0.78's v2,
// llama-server's own list. Where the name is this program's own too, and means the same, the row
// says so: it stands for itself.
#include "cli/foreign_rows.h"

namespace vecton::cli {

namespace foreign {

namespace {

constexpr const char* kNoText = "requests say how text is generated";
constexpr const char* kOwnPictures =
    "pictures come with requests and are prepared as the checkpoint says";
constexpr const char* kNoPython =
    "leaving it out: no Python runs here; what it did to requests or answers belongs into a proxy "
    "in front of the server";
constexpr const char* kTraces = "--otlp-traces-endpoint sends the stations of every request";
constexpr const char* kMetrics = "/metrics has what is measured";

const ForeignOption kServerRows[] = {
    // Where it listens, and who may ask.
    {"--host,--hostname", V | T | I | L, kValue, kWorks, "--host", "", translate_host},
    {"--port,-p", V | T | I | L, kValue, kWorks, "--port"},
    {"--uds", V, kValue, kWorks, "--uds"},
    {"--completion-bash", L, kNothing, kRefused, "vecton completion bash"},
    {"--license", L, kNothing, kRefused, "the files LICENSE and THIRD_PARTY_LICENSES"},
    {"--uds-path", T, kValue, kIgnored,
     "there is no backend process to talk to; --uds FILE listens on a socket"},
    {"--reuse-port", L, kNothing, kIgnored, "an address has one server"},
    {"--served-model-name", V | T | I, kList, kWorks, "--served-model-name"},
    {"--scheduling-policy", V, kValue, kWorks, "--scheduling-policy"},
    {"--alias,-a", L, kValue, kWorks, "--served-model-name", "", translate_aliases},
    {"--tags", L, kValue, kIgnored, "/v1/models lists names"},
    {"--api-key", V | T | I | L, kList, kWorks, "--api-key", "", nullptr,
     "VLLM_API_KEY,LLAMA_API_KEY"},
    {"--api-key-file", L, kValue, kWorks, "--api-key-file"},
    {"--root-path,--url-prefix,--proxy-root-path,--api-prefix", V | I | L, kValue, kWorks,
     "--root-path"},
    {"--redirect-slash --path", I | L, kValue, kIgnored, "GET / says that the server lives"},
    {"--allowed-origins", V, kValue, kWorks, "--allowed-origins"},
    {"--cors-allow-origin,--cors-origins", T | L, kList, kWorks, "--allowed-origins", "",
     translate_origin},
    {"--permissive-cors", I, kNothing, kWorks, "--allowed-origins", "", translate_permissive},
    {"--allowed-methods --allowed-headers --cors-methods --cors-headers", V | L, kValue, kIgnored,
     "an allowed origin may use every route as it is"},
    {"--allow-credentials --cors-credentials", V | L, kNothing, kIgnored,
     "cookies are not read: keys come in a header, which --allowed-origins lets through"},
    {"--ssl-keyfile,--ssl-key-file", V | L, kValue, kWorks, "--ssl-keyfile"},
    {"--ssl-certfile,--ssl-cert-file", V | L, kValue, kWorks, "--ssl-certfile"},
    {"--ssl-keyfile-password", V, kValue, kWorks, "--ssl-keyfile-password"},
    {"--ssl-ca-certs", V, kValue, kWorks, "--ssl-ca-certs"},
    {"--ssl-cert-reqs", V, kValue, kWorks, "--ssl-cert-reqs"},
    {"--ssl-ciphers", V, kValue, kWorks, "--ssl-ciphers"},
    {"--enable-ssl-refresh", V, kNothing, kWorks, "--enable-ssl-refresh"},
    {"--grpc", V, kNothing, kRefused, "the HTTP routes of docs/SERVER.md"},
    {"--grpc-port", V, kValue, kRefused, "the HTTP routes of docs/SERVER.md"},
    {"--middleware --worker-cls --worker-extension-cls --scheduler-cls --io-processor-plugin "
     "--tool-parser-plugin --reasoning-parser-plugin --tool-server",
     V, kValue, kRefused, kNoPython, "auto"},
    {"--logits-processors", V, kList, kRefused, kNoPython},

    // Limits, and what requests get.
    {"--max-client-batch-size", T, kValue, kWorks, "--max-client-batch-size", "", nullptr,
     "INFINITY_MAX_CLIENT_BATCH_SIZE"},
    {"--max-concurrent-requests", T, kValue, kWorks, "--max-connections"},
    {"--payload-limit", T, kValue, kWorks, "--payload-limit"},
    {"--h11-max-incomplete-event-size --h11-max-header-count --timeout,-to --sse-ping-interval "
     "--sse-keep-alive-interval",
     V | L, kValue, kIgnored,
     "docs/SERVER.md has the limits of a request's head and of idle clients"},
    {"--auto-truncate", T, kBoolean, kWorks, "--auto-truncate"},
    {"--chat-template,--chat-template-file", V | L, kValue, kWorks, "--chat-template"},
    {"--chat-template-content-format", V, kValue, kIgnored,
     "the template gets messages as they came"},
    {"--trust-request-chat-template", V, kNothing, kIgnored,
     "a request may bring a template: it runs within bounds"},
    {"--default-chat-template-kwargs,--chat-template-kwargs", V | L, kJson, kRefused,
     "chat_template_kwargs in the request"},
    {"--enable-prompt-embeds", V, kNothing, kRefused, "texts, or token ids"},
    {"--embedding,--embeddings --rerank,--reranking --metrics --props --slots", L, kNothing,
     kIgnored, "what the model does is served"},
    {"--enable-server-load-tracking", V, kNothing, kIgnored, "/load always counts"},
    {"--enable-request-id-headers", V, kNothing, kIgnored, "X-Request-Id is always sent"},
    {"--enable-force-include-usage", V, kNothing, kWorks, "--enable-force-include-usage"},
    {"--enable-prompt-tokens-details --enable-per-request-metrics", V, kNothing, kIgnored,
     "usage, and times as headers, are in every answer"},
    {"--enable-tokenizer-info-endpoint", V, kNothing, kWorks, "--enable-tokenizer-info-endpoint"},
    {"--disable-fastapi-docs", V, kNothing, kWorks, "--disable-fastapi-docs"},
    {"--enable-scale-out --tokens-only --enable-offline-docs --ui-mcp-proxy,--webui-mcp-proxy "
     "--agent,-ag --models-autoload",
     V | L, kNothing, kIgnored, "docs/SERVER.md has the routes"},
    {"--ui,--webui", L, kNothing, kWorks, "--disable-playground", "", translate_page},
    {"--models-max --media-path --ui-config,--webui-config --ui-config-file,--webui-config-file "
     "--tools --tools-runtime --mcp-servers-config --mcp-servers-json",
     L, kValue, kIgnored, "docs/SERVER.md has the routes"},
    {"--fingerprint-mode --fingerprint-value", V, kValue, kIgnored,
     "answers have no system_fingerprint"},

    // What is said.
    {"--log-level,--uvicorn-log-level", V | I, kValue, kWorks, "--log-level", "",
     translate_log_level, "VLLM_LOGGING_LEVEL"},
    {"--disable-uvicorn-access-log --log-disable", V | L, kNothing, kWorks, "--log-level error", "",
     translate_quiet_log},
    {"--disable-access-log-for-endpoints --max-log-len --log-config-file --log-file --log-colors "
     "--log-verbosity,--verbosity,-lv --log-prompts-dir",
     V | L, kValue, kIgnored, "the log is a line per request on standard error: --log-level"},
    {"--logging-config", V, kJson, kIgnored,
     "the log is a line per request on standard error: --log-level"},
    {"--disable-log-requests --enable-log-requests --enable-log-outputs --enable-log-deltas "
     "--log-error-stack --disable-log-stats --aggregate-engine-logging "
     "--disable-spans --log-jsonl --log-prefix --log-timestamps --verbose,--log-verbose,-v",
     V | T | L, kNothing, kIgnored, "the log is a line per request on standard error: --log-level"},
    {"--json-output", T, kNothing, kWorks, "--log-format json", "", translate_json_log},
    {"--otlp-traces-endpoint,--otlp-endpoint", V | T, kValue, kWorks, "--otlp-traces-endpoint"},
    {"--otlp-service-name", T, kValue, kWorks, "--otlp-service-name", "", nullptr,
     "OTEL_SERVICE_NAME"},
    {"--collect-detailed-traces", V, kList, kIgnored, kTraces},
    {"--enable-layerwise-nvtx-tracing --enable-trace-replay", V, kNothing, kIgnored, kTraces},
    {"--prometheus-port", T, kValue, kIgnored, "/metrics is on the server's own port"},
    {"--show-hidden-metrics-for-version --kv-cache-metrics-sample "
     "--per-request-spec-decode-metrics",
     V, kValue, kIgnored, kMetrics},
    {"--custom-histogram-buckets", V, kJson, kIgnored, kMetrics},
    {"--cudagraph-metrics --enable-mfu-metrics --enable-logging-iteration-details "
     "--fail-on-environ-validation",
     V, kNothing, kIgnored, kMetrics},

    // Generation, of which each request says how.
    {"--stream-interval --tool-strict-level --cohere-format "
     "--logits-processor-pattern --num-lookahead-slots "
     "--anthropic-disabled-thinking-effort --guided-decoding-backend "
     "--keep --samplers --sampler-seq,--sampling-seq "
     "--repeat-last-n --reasoning-format --reasoning,-rea --reasoning-effort "
     "--reasoning-budget-message --model-draft,-md "
     "--xtc-threshold --dry-base "
     "--dry-allowed-length --dry-penalty-last-n --dry-sequence-breaker --adaptive-target "
     "--adaptive-decay --dynatemp-exp --mirostat-lr --mirostat-ent "
     "--lookup-cache-static,-lcs --lookup-cache-dynamic,-lcd --hf-repo-draft,-hfd "
     "--spec-draft-hf,-hfrd --spec-type --spec-draft-model --spec-draft-n-max --spec-draft-n-min "
     "--spec-draft-p-min,--draft-p-min --spec-draft-p-split,--draft-p-split "
     "--draft,--draft-n,--draft-max --draft-min,--draft-n-min --spec-draft-threads,"
     "--threads-draft,-td --spec-draft-threads-batch,--threads-batch-draft,-tbd "
     "--spec-draft-cpu-mask,--cpu-mask-draft,-Cd --spec-draft-cpu-range,--cpu-range-draft,-Crd "
     "--spec-draft-cpu-strict,--cpu-strict-draft --spec-draft-prio,--prio-draft "
     "--spec-draft-poll,--poll-draft --spec-draft-cpu-mask-batch,--cpu-mask-batch-draft,-Cbd "
     "--spec-draft-cpu-strict-batch,--cpu-strict-batch-draft "
     "--spec-draft-prio-batch,--prio-batch-draft --spec-draft-poll-batch,--poll-batch-draft "
     "--spec-draft-override-tensor,--override-tensor-draft,-otd "
     "--spec-draft-n-cpu-moe,--spec-draft-ncmoe,--n-cpu-moe-draft,-ncmoed --spec-synth-len "
     "--spec-synth-rates --spec-draft-sampling --spec-draft-device,--device-draft,-devd "
     "--spec-draft-ngl,--gpu-layers-draft,--n-gpu-layers-draft,-ngld "
     "--spec-draft-type-k,--cache-type-k-draft,-ctkd --spec-draft-type-v,--cache-type-v-draft,"
     "-ctvd --spec-ngram-mod-n-min --spec-ngram-mod-n-max --spec-ngram-mod-n-match "
     "--spec-ngram-simple-size-n --spec-ngram-simple-size-m --spec-ngram-simple-min-hits "
     "--spec-ngram-map-k-size-n --spec-ngram-map-k-size-m --spec-ngram-map-k-min-hits "
     "--spec-ngram-map-k4v-size-n --spec-ngram-map-k4v-size-m --spec-ngram-map-k4v-min-hits "
     "--spec-ngram-size-n --spec-ngram-size-m --spec-ngram-min-hits",
     V | L, kValue, kIgnored, kNoText},
    {"--predict,--n-predict,-n", L, kValue, kWorks, "--override-generation-config", "-1",
     translate_sampling},
    {"--temp,--temperature", L, kValue, kWorks, "--override-generation-config", "",
     translate_sampling},
    {"--top-k", L, kValue, kWorks, "--override-generation-config", "", translate_sampling},
    {"--top-p", L, kValue, kWorks, "--override-generation-config", "", translate_sampling},
    {"--min-p", L, kValue, kWorks, "--override-generation-config", "", translate_sampling},
    {"--repeat-penalty", L, kValue, kWorks, "--override-generation-config", "", translate_sampling},
    {"--presence-penalty", L, kValue, kWorks, "--override-generation-config", "",
     translate_sampling},
    {"--frequency-penalty", L, kValue, kWorks, "--override-generation-config", "",
     translate_sampling},
    {"--mirostat --xtc-probability --dry-multiplier --dynatemp-range", L, kValue, kRefused,
     "--top-p or --min-p", "0 0.0 0.00"},
    {"--typical,--typical-p", L, kValue, kRefused, "--top-p or --min-p", "1 1.0 1.00"},
    {"--top-nsigma,--top-n-sigma", L, kValue, kRefused, "--top-p or --min-p", "-1 -1.0 -1.00"},
    {"--grammar --grammar-file --json-schema,-j --json-schema-file,-jf", L, kValue, kRefused,
     "structured_outputs or response_format in the request"},
    {"--reverse-prompt,-r", L, kValue, kRefused, "stop in the request"},
    {"--logit-bias,-l", L, kValue, kRefused, "logit_bias in the request"},
    {"--ignore-eos", L, kNothing, kRefused, "ignore_eos in the request"},
    {"--reasoning-budget", L, kValue, kRefused,
     "reasoning_effort or chat_template_kwargs in the request", "-1"},
    {"--logprobs-mode", V, kValue, kRefused, "raw_logprobs, which they are", "raw_logprobs"},
    {"--response-role", V, kValue, kRefused, "assistant, which it is", "assistant"},
    {"--return-tokens-as-token-ids", V, kNothing, kRefused,
     "return_tokens_as_token_ids in the request"},
    {"--exclude-tools-when-tool-choice-none", V, kNothing, kRefused,
     "leaving tools out of the request"},
    {"--spec-draft-cpu-moe,--cpu-moe-draft,-cmoed --spec-draft-backend-sampling --spec-default", L,
     kNothing, kIgnored, kNoText},
    {"--override-generation-config", V, kJson, kWorks, "--override-generation-config"},
    {"--speculative-config,-sc", V, kJson, kWorks, "--speculative-config"},
    {"--spec-method", V, kValue, kWorks, "--speculative-config", "", translate_speculation},
    {"--spec-tokens,--num-speculative-tokens", V, kValue, kWorks, "--speculative-config", "",
     translate_speculation},
    {"--ngram-prompt-lookup-max --ngram-prompt-lookup-min", V, kValue, kWorks,
     "--speculative-config", "", translate_speculation},
    {"--spec-model,--speculative-model", V, kValue, kRefused,
     "--spec-method ngram --spec-tokens 5: drafts come from the prompt, not from a second model",
     "[ngram]"},
    {"--structured-outputs-config", V, kJson, kWorks, "--reasoning-parser", "",
     translate_structure},
    {"--guided-decoding-disable-any-whitespace", V, kNothing, kRefused,
     "disable_any_whitespace in structured_outputs of the request"},
    {"--guided-decoding-disable-additional-properties", V, kNothing, kRefused,
     "disable_additional_properties in structured_outputs of the request"},
    {"--diffusion-config,-dc --reasoning-config --aux-output-config --reasoning-effort-map", V,
     kJson, kIgnored, kNoText},
    {"--enable-return-routed-experts --return-sampling-mask "
     "--enable-auto-tool-choice --cohere-is-reasoning-model "
     "--jinja --escape,-e --context-shift --special,-sp --prefill-assistant "
     "--skip-chat-parsing --reasoning-preserve --backend-sampling,-bs --spm-infill "
     "--enable-reasoning --guided-decoding-disable-fallback",
     V | L, kNothing, kIgnored, kNoText},

    // Images.
    {"--embd-gemma-default", L, kNothing, kRefused, "MODEL: google/embeddinggemma-300m"},
    {"--embd-bge-small-en-default", L, kNothing, kRefused, "MODEL: BAAI/bge-small-en-v1.5"},
    {"--embd-e5-small-en-default", L, kNothing, kRefused, "MODEL: intfloat/e5-small-v2"},
    {"--embd-gte-small-default", L, kNothing, kRefused, "MODEL: thenlper/gte-small"},
    {"--image", M, kValue, kWorks, "--image"},
    {"--mmproj,-mm --mmproj-url,-mmu", L, kValue, kRefused,
     "a checkpoint with safetensors, which has its vision tower beside the rest"},
    {"--mm-processor-cache-gb --mm-processor-cache-type "
     "--mm-hasher-algorithm --mm-shm-cache-max-object-size-mb --mm-encoder-tp-mode "
     "--mm-encoder-attn-backend --mm-encoder-attn-dtype --mm-encoder-fp8-scale-path "
     "--mm-encoder-fp8-scale-save-path --mm-encoder-fp8-scale-save-margin --video-pruning-rate "
     "--video-pruning-method --mm-tensor-ipc --mm-processor-device --mm-ipc-gpu-memory-gb "
     "--mmproj-device,-mmdev --image-min-tokens --image-max-tokens --mtmd-batch-max-tokens "
     "--video-fps --video-timestamp-interval --video-ffmpeg-dir",
     V | L, kValue, kIgnored, kOwnPictures},
    {"--allowed-local-media-path", V, kValue, kWorks, "--allowed-local-media-path"},
    {"--allowed-media-domains", V, kList, kWorks, "--allowed-media-domains"},
    {"--limit-mm-per-prompt", V, kJson, kWorks, "--limit-mm-per-prompt"},
    {"--media-io-kwargs", V, kJson, kWorks, "--media-io-kwargs"},
    {"--mm-processor-kwargs", V, kJson, kWorks, "--mm-processor-kwargs"},
    {"--language-model-only --enable-mm-embeds --mm-encoder-only --interleave-mm-strings "
     "--skip-mm-profiling --mm-device-do-normalize --trust-request-mm-kwargs --mmproj-auto "
     "--mmproj-offload --disable-mm-preprocessor-cache --mm-cache-preprocessor "
     "--enable-multimodal-encoder-data-parallel",
     V | L, kNothing, kIgnored, kOwnPictures},

    {"--text", M, kList, kWorks, "TEXT"},
};

}  // namespace

}  // namespace foreign

std::span<const ForeignOption> foreign_server_rows() { return foreign::kServerRows; }

}  // namespace vecton::cli
