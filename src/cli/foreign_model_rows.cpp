// Options of other programs for the model and for how it is run. Sources: vLLM 0.33's EngineArgs
// and FrontendArgs, text-embeddings-router 1.9's Args, infinity_emb 0.0.78's v2, llama-server's own
// list. Where the name is this program's own too, and means the same, the row says so: it stands
// for itself.
#include "cli/foreign_rows.h"

namespace vecton::cli {

namespace foreign {

namespace {

constexpr const char* kOneProcess = "one process computes, with --threads";
constexpr const char* kCpu = "everything is computed on the CPU";
constexpr const char* kOwnKernels = "the kernels are chosen by the CPU at hand";
constexpr const char* kOwnCache = "the prefix cache is as large as --cache-bytes, or chosen";
constexpr const char* kOwnBatches = "batches are made of tokens: --max-num-batched-tokens";
constexpr const char* kOneMachine =
    "1: a server computes on one machine; start one on each, behind a load balancer";
constexpr const char* kNoLora =
    "a checkpoint with the adapter merged into it, or the adapter's own folder as MODEL";

const ForeignOption kModelRows[] = {
    // Which model.
    {"--model,--model-id,--model-name-or-path", V | T | I | L | M, kValue, kWorks, "MODEL", "",
     nullptr},
    {"-m", L, kValue, kWorks, "MODEL"},
    {"--hf-repo,-hf,-hfr", L, kValue, kWorks, "MODEL"},
    {"--hf-file,-hff", L, kValue, kWorks, "MODEL/FILE"},
    {"--revision", V | T | I, kValue, kWorks, "--revision"},
    {"--hf-token", V | T | L, kPerhaps, kWorks, "--hf-token"},
    {"--hf-api-token,-hft", T | L, kValue, kWorks, "--hf-token"},
    {"--huggingface-hub-cache,--download-dir", V | T, kValue, kWorks, "--cache"},
    {"--offline", L, kNothing, kWorks, "--offline"},
    {"--tokenizer", V, kValue, kWorks, "--tokenizer"},
    {"--tokenizer-revision", V, kValue, kRefused,
     "--revision, which is of the whole checkpoint, or --tokenizer FOLDER", "main"},
    {"--code-revision", V, kValue, kIgnored, "code of checkpoints is never run"},
    {"--trust-remote-code", V | I, kNothing, kIgnored, "code of checkpoints is never run"},
    {"--hf-config-path", V, kValue, kRefused,
     "config.json in the model's folder, or --hf-overrides"},
    {"--config-format", V, kValue, kRefused, "hf: a folder with config.json", "auto hf"},
    {"--tokenizer-mode", V, kValue, kRefused, "auto: the files say what the tokenizer is",
     "auto hf slow mistral"},
    {"--skip-tokenizer-init", V, kNothing, kIgnored, "token ids are taken without it too"},
    {"--load-format", V, kValue, kRefused,
     "auto: safetensors, torch's files where there are none, or the GGUF file that MODEL names",
     "auto safetensors hf pt gguf fastsafetensors runai_streamer"},
    {"--model-url,-mu --docker-repo,-dr --models-dir --models-preset", L, kValue, kRefused,
     "MODEL: a folder with a checkpoint, a GGUF file, or a name on the hub"},
    {"--model-impl", V, kValue, kIgnored, "there is one implementation of every family"},
    {"--model-class-overrides", V, kJson, kRefused,
     "--hf-overrides '{\"architectures\": [...]}' with a name of docs/MODELS.md"},
    {"--safetensors-load-strategy --safetensors-prefetch-num-threads "
     "--safetensors-prefetch-block-size --max-parallel-loading-workers --load-mode,-lm "
     "--lazy-mode,-lzm",
     V | L, kValue, kIgnored, "weights are mapped and packed as they are read"},
    {"--ignore-patterns", V, kList, kIgnored, "only the files that are needed are downloaded"},
    {"--pt-load-map-location --model-loader-extra-config --weight-transfer-config", V, kJson,
     kIgnored, "weights are mapped and packed as they are read"},
    {"--use-tqdm-on-load --mlock --mmap --check-tensors --repack --no-host", V | L, kNothing,
     kIgnored, "weights are mapped and packed as they are read"},

    // How it is run.
    {"--runner", V, kValue, kWorks, "--runner"},
    {"--convert", V, kValue, kWorks, "--convert"},
    {"--task", V, kValue, kWorks, "--runner pooling, --convert", "", translate_task},
    {"--dtype", V | T | I, kValue, kWorks, "--dtype"},
    {"--max-model-len", V, kValue, kWorks, "--max-model-len"},
    {"--ctx-size,-c", L, kValue, kIgnored,
     "the model's own length holds; --max-model-len shortens it"},
    {"--pooler-config,--override-pooler-config", V, kJson, kWorks, "--pooler-config"},
    {"--hf-overrides", V, kJson, kWorks, "--hf-overrides"},
    {"--rope-scaling", V | L, kValue, kWorks, "--hf-overrides", "", translate_rope},
    {"--rope-theta", V, kValue, kWorks, "--hf-overrides", "", translate_rope},
    {"--pooling,--pooling-method", T | I | L, kValue, kWorks, "--pooler-config", "",
     translate_pooling},
    {"--embd-normalize", L, kValue, kWorks, "--pooler-config", "", translate_normalize},
    {"--dense-path", T, kValue, kWorks, "--dense-path"},
    {"--default-prompt", T, kValue, kWorks, "--default-prompt"},
    {"--default-prompt-name", T, kValue, kWorks, "--default-prompt-name"},
    {"--quantization,-q", V, kValue, kWorks, "--quantization", "none None"},
    {"--quantization-config", V, kJson, kRefused,
     "--quantization mlx-affine-8, mlx-affine-4, mxfp4, nvfp4 or mxfp8"},
    {"--allow-deprecated-quantization", V, kNothing, kIgnored,
     "formats that are read are read without asking"},
    {"--disable-sliding-window", V, kNothing, kRefused,
     "--max-model-len N, with N up to the model's window"},
    {"--seed,-s", V | L, kValue, kWorks, "--seed", "-1 None"},
    {"--max-num-batched-tokens,--max-batch-tokens", V | T, kValue, kWorks,
     "--max-num-batched-tokens"},
    {"--max-num-queued-tokens", V, kValue, kWorks, "--max-queue-tokens"},
    {"--enable-prefix-caching", V, kNothing, kWorks, "--enable-prefix-caching"},
    {"--cache-prompt", L, kNothing, kWorks, "--enable-prefix-caching", "", translate_cache_flag},
    {"--kv-cache-memory-bytes", V, kValue, kWorks, "--cache-bytes"},
    {"--cache-ram,-cram", L, kValue, kWorks, "--cache-bytes", "", translate_cache_mib},
    {"--threads,-t", L, kValue, kWorks, "--threads"},
    {"--tokenization-workers --renderer-num-workers", V | T, kValue, kWorks, "--workers"},
    {"--tensor-parallel-size,-tp --pipeline-parallel-size,-pp --data-parallel-size,-dp "
     "--data-parallel-size-local,-dpl --decode-context-parallel-size,-dcp "
     "--prefill-context-parallel-size,-pcp --nnodes,-n --elastic-ep-max-dp-size",
     V, kValue, kRefused, kOneMachine, "1"},
    {"--node-rank,-r --data-parallel-rank,-dpn --data-parallel-start-rank,-dpr", V, kValue,
     kRefused, kOneMachine, "0"},
    {"--data-parallel-hybrid-lb,-dph --data-parallel-external-lb,-dpe "
     "--data-parallel-multi-port-external-lb,-dpm --headless",
     V, kNothing, kRefused, kOneMachine},
    {"--device", V | I, kValue, kRefused, "cpu: there is no other backend yet", "cpu auto none"},
    {"--device-id", T | I, kValue, kIgnored, kCpu},
    {"--device-ids --main-gpu,-mg -dev --tensor-split,-ts --split-mode,-sm "
     "--gpu-layers,--n-gpu-layers,-ngl --fit,-fit --fit-target,-fitt --fit-ctx,-fitc --rpc "
     "--n-cpu-moe,-ncmoe --n-cpu-ffn,-ncffn --moe-cache-mib --override-tensor,-ot "
     "--gpu-memory-utilization,--device-memory-utilization --num-gpu-blocks-override "
     "--cpu-offload-gb --swap-space --offload-backend --offload-group-size --offload-num-in-group "
     "--offload-prefetch-step",
     V | L, kValue, kIgnored, kCpu},
    {"--cpu-offload-params --offload-params", V, kList, kIgnored, kCpu},
    {"--cpu-moe,-cmoe --kv-offload,-kvo --op-offload --enforce-eager --enable-cumem-allocator "
     "--enable-nccl-comm-suspend --disable-custom-all-reduce",
     V | L, kNothing, kIgnored, kCpu},
    {"-nkvo", L, kNothing, kIgnored, kCpu},
    {"-nr", L, kNothing, kIgnored, kOwnKernels},
    {"--list-devices", L, kNothing, kRefused,
     "leaving it out: the CPU is the one device ('vecton bench MODEL' measures it)"},
    {"--cache-list,-cl", L, kNothing, kRefused,
     "listing the folder of the hub cache (HF_HUB_CACHE, ~/.cache/huggingface/hub)"},
    {"--fim-qwen-1.5b-default --fim-qwen-3b-default --fim-qwen-7b-default --fim-qwen-7b-spec "
     "--fim-qwen-14b-spec --fim-qwen-30b-default --gpt-oss-20b-default --gpt-oss-120b-default "
     "--vision-gemma-4b-default --vision-gemma-12b-default",
     L, kNothing, kRefused, "MODEL: a checkpoint's name or folder"},
    {"--distributed-executor-backend --master-addr --master-port --distributed-timeout-seconds "
     "--cpu-distributed-timeout-seconds --dcp-comm-backend --dcp-kv-cache-interleave-size "
     "--cp-kv-cache-interleave-size --data-parallel-address,-dpa --data-parallel-rpc-port,-dpp "
     "--data-parallel-backend,-dpb --data-parallel-supervisor-port "
     "--dp-supervisor-probe-interval-s "
     "--dp-supervisor-probe-timeout-s --dp-supervisor-probe-failure-threshold --all2all-backend "
     "--dbo-decode-token-threshold --dbo-prefill-token-threshold --dp-sync-interval "
     "--expert-placement-strategy --api-server-count,-asc --shutdown-timeout --numa --cpu-mask,-C "
     "--cpu-range,-Cr --cpu-strict --prio --poll --cpu-mask-batch,-Cb --cpu-range-batch,-Crb "
     "--tokenizer-pool-size --tokenizer-pool-type "
     "--cpu-strict-batch --prio-batch --poll-batch --threads-batch,-tb --threads-http",
     V | L, kValue, kIgnored, kOneProcess},
    {"--numa-bind-nodes --numa-bind-cpus", V, kList, kIgnored, kOneProcess},
    {"--eplb-config --fault-tolerance-config", V, kJson, kIgnored, kOneProcess},
    {"--dcp-q-replicate --numa-bind --enable-hc-sp --enable-expert-parallel,-ep "
     "--enable-batch-sharded-sampling --enable-ep-weight-filter --enable-dbo "
     "--enable-shm-tensor-arena --enable-elastic-ep --disable-nccl-for-dp-synchronization "
     "--enable-eplb --ray-workers-use-nsight --enable-fault-tolerance "
     "--worker-use-ray --engine-use-ray --disable-frontend-multiprocessing --compile "
     "--bettertransformer --onnx-disable-optimize "
     "--onnx-do-not-prefer-quantized --lengths-via-tokenize --model-warmup --warmup "
     "--vector-disk-cache",
     V | I | L, kNothing, kIgnored, kOneProcess},
    {"--engine", I, kValue, kIgnored, "there is one engine"},
    {"--attention-backend --mamba-backend --mamba-ssu-algorithm --mamba-cache-philox-rounds "
     "--gdn-prefill-backend --kda-prefill-backend --kda-decode-backend --moe-backend "
     "--linear-backend --sparse-indexer-topk-backend --performance-mode "
     "--max-cudagraph-capture-size --max-seq-len-to-capture --max-context-len-to-capture "
     "--jit-monitor-mode",
     V | L, kValue, kIgnored, kOwnKernels},
    {"--flash-attn,-fa", L, kPerhaps, kIgnored, kOwnKernels},
    {"--cudagraph-capture-sizes,--cuda-graph-sizes", V, kList, kIgnored, kOwnKernels},
    {"--optimization-level,-O --compilation-config,-cc --attention-config,-ac --kernel-config "
     "--ir-op-priority "
     "--additional-config --engram-config --watermark-config --watchdog-config --profiler-config",
     V, kJson, kIgnored, kOwnKernels},
    {"--disable-cascade-attn --enable-mamba-cache-stochastic-rounding --enable-flashinfer-autotune "
     "--monokernel --use-fp64-gumbel --jit-monitor-verbose --use-v2-block-manager "
     "--enable-flash-late-interaction --perf --swa-full --full-cuda-graph",
     V | L, kNothing, kIgnored, kOwnKernels},
    {"--kv-cache-dtype", V, kValue, kWorks, "--kv-cache-dtype"},
    {"--block-size --prefix-caching-hash-algo --prefix-cache-retention-interval "
     "--mamba-cache-dtype --mamba-ssm-cache-dtype --mamba-block-size --mamba-cache-mode "
     "--prefix-match-unit --replayssm-buffer-len --kv-offloading-size --kv-offloading-backend "
     "--cache-type-k,-ctk --cache-type-v,-ctv --cache-reuse "
     "--ctx-checkpoints,--swa-checkpoints,-ctxcp "
     "--checkpoint-min-step,-cms --defrag-thold,-dt --kv-unified-per-slot --slot-save-path",
     V | L, kValue, kIgnored, kOwnCache},
    {"--kv-cache-dtype-skip-layers", V, kList, kRefused,
     "--kv-cache-dtype, which is of all layers"},
    {"--calculate-kv-scales --kv-sharing-fast-prefill --swa-bounded-replay "
     "--enable-mamba-shared-prefix-checkpoint "
     "--use-replayssm --disable-hybrid-kv-cache-manager --kv-cache-metrics --kv-unified,-kvu "
     "--cache-idle-slots",
     V | L, kNothing, kIgnored, kOwnCache},
    {"--kv-transfer-config --kv-events-config --ec-transfer-config --ec-manager-config", V, kJson,
     kRefused, kOneMachine},
    {"--max-num-seqs --max-num-active-seqs --max-num-queued-reqs --max-num-scheduled-tokens "
     "--long-prefill-token-threshold --watermark --prefill-schedule-interval "
     "--num-scheduler-steps --scheduler-delay-factor --max-num-partial-prefills "
     "--max-long-partial-prefills --preemption-mode --max-batch-requests --batch-size,-b "
     "--ubatch-size,-ub --parallel,-np --slot-prompt-similarity,-sps",
     V | T | I | L, kValue, kIgnored, kOwnBatches},
    {"--enable-chunked-prefill --long-prefill-token-threshold-adaptive --disable-chunked-mm-input "
     "--multi-step-stream-outputs --scheduler-reserve-full-isl --async-scheduling "
     "--cont-batching,-cb "
     "--disable-async-output-proc",
     V | L, kNothing, kIgnored, kOwnBatches},
    {"--enable-sleep-mode --sleep-mode-offload-cudagraph", V, kNothing, kIgnored,
     "an idle server computes nothing"},
    {"--sleep-idle-seconds", L, kValue, kWorks, "--sleep-idle-seconds"},
    {"--sleep-mode-backend", V, kValue, kIgnored, "an idle server computes nothing"},
    {"--sleep-preserve-parameter-names", V, kList, kIgnored, "an idle server computes nothing"},
    {"--enable-lora --fully-sharded-loras --enable-tower-connector-lora --specialize-active-lora "
     "--enable-mixed-moe-lora-format --enable-moe-shared-loras",
     V, kNothing, kRefused, kNoLora},
    {"--lora-modules --lora-target-modules", V, kList, kRefused, kNoLora},
    {"--max-loras --max-lora-rank --lora-dtype --max-cpu-loras --max-lora-cls-labels "
     "--lora-extra-vocab-size "
     "--long-lora-scaling-factors --qlora-adapter-name-or-path --lora "
     "--lora-scaled --control-vector --control-vector-scaled",
     V | L, kValue, kRefused, kNoLora},
    {"--control-vector-layer-range", L, kList, kRefused, kNoLora},
    {"--default-mm-loras", V, kJson, kRefused, kNoLora},
    {"--lora-init-without-apply", L, kNothing, kRefused, kNoLora},
    {"--override-kv", L, kValue, kRefused, "--hf-overrides JSON, which is laid over config.json"},
    {"--rope-scale --rope-freq-base --rope-freq-scale --yarn-orig-ctx --yarn-ext-factor "
     "--yarn-attn-factor --yarn-beta-slow --yarn-beta-fast",
     L, kValue, kRefused, "--hf-overrides '{\"rope_theta\": ...}' or '{\"rope_scaling\": {...}}'"},
    {"--attention", L, kValue, kRefused, "--hf-overrides '{\"is_causal\": ...}'"},
    {"--embedding-dtype", I, kValue, kRefused,
     "float32; a request may ask for other types (output_dtype, embedding_types)", "float32 auto"},
    {"--preload-only", I, kNothing, kRefused, "vecton pull MODEL"},
};

}  // namespace

}  // namespace foreign

std::span<const ForeignOption> foreign_model_rows() { return foreign::kModelRows; }

}  // namespace vecton::cli
