// Options: how a model is found and opened, and what engines share. Names and meanings are vLLM's
// where vLLM has the option. The model hub's cache has the hub's own layout
// (models--org--name/{refs,snapshots,blobs}).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "vecton/error.h"

namespace vecton {

// Where a model name is looked for. A MODEL anywhere is a folder, a GGUF file or a name on the hub
// ("org/name").
struct VECTON_API HubOptions {
  std::string revision = "main";  // branch, tag or commit
  std::string
      cache;  // folder of the hub cache: HF_HUB_CACHE, HF_HOME/hub or ~/.cache/huggingface/hub
  std::string endpoint;  // HF_ENDPOINT, by default the public hub
  std::string token;     // HF_TOKEN, or the file HF_TOKEN_PATH or HF_HOME/token
  bool offline = false;  // HF_HUB_OFFLINE: never touch the network
  // A folder of the repository that is wanted beside those that modules.json names: of another
  // Dense layer.
  std::string dense_path{};

  // The defaults, read from the environment.
  static HubOptions from_environment();
};

struct DownloadProgress {
  std::string file{};      // name inside the repository
  int64_t file_bytes = 0;  // received so far, resumed bytes included
  int64_t file_size = 0;   // 0 = unknown
  int files_done = 0;
  int files_total = 0;
};

// The folder or GGUF file that holds `model`: itself, the GGUF file of a folder without a
// config.json, or the snapshot of a hub name, downloaded if it is not in the cache. GGUF files of a
// repository are named org/name:Q4_K_M or org/name/file.gguf. Errors: kNotFound (no such folder,
// name or revision), kUnauthorized (gated or private), kNetwork, kCorrupt (checksum).
VECTON_API std::filesystem::path resolve_model(
    const std::string& model, const HubOptions& options,
    const std::function<void(const DownloadProgress&)>& progress = {});

// As resolve_model, but asks the hub for the revision's current commit even when the cache has one.
VECTON_API std::filesystem::path pull_model(
    const std::string& model, const HubOptions& options,
    const std::function<void(const DownloadProgress&)>& progress = {});

// What the environment says of engines: OMP_NUM_THREADS, VLLM_METAL_USE_PAGED_ATTENTION,
// VLLM_METAL_MEMORY_FRACTION and VLLM_IMAGE_FETCH_TIMEOUT. Options that are set count more.
struct VECTON_API EngineDefaults {
  int threads = 0;
  bool enable_prefix_caching = true;
  int64_t cache_bytes = 0;
  double image_fetch_timeout = 5;

  // Error (kInvalidArgument) names a variable whose value makes no sense.
  static EngineDefaults from_environment();
};

struct VECTON_API EngineOptions {
  std::string model{};  // folder, GGUF file or hub name
  HubOptions hub = HubOptions::from_environment();
  std::string dtype = "auto";  // auto | float32 | float16 | bfloat16: how weights are kept in
                               // memory; how they are multiplied is `compute`
  // float32 | bfloat16 | int8 | float16: how the linear layers of a float checkpoint are
  // multiplied. bfloat16 rounds their weights, once, and what comes to them, and adds up in
  // float32; int8 rounds both to whole numbers of 8 bits with a scale for each 64 of them, after a
  // rotation. Attention, norms, heads and routers are float32 in each. Where bfloat16 has no
  // instruction of its own the same is computed no faster. float16, of the backend mlx: more digits
  // than bfloat16, up to 65504; a weight beyond is an error when the model is opened, and so is the
  // answer of an input that leads there. The backend mlx has no int8.
  std::string compute = "float32";
  // Quantises a float checkpoint while it is opened, to the numbers that a converted checkpoint
  // has: mlx-affine-BITS, mlx-affine-BITS-gGROUP, mxfp4, nvfp4 or mxfp8. Of a checkpoint that is
  // quantised it may say how (awq, gptq, fp8...); an error where that is not so. auto = as it is.
  std::string quantization = "auto";
  std::string runner = "auto";  // auto | generate | pooling
  // auto | embed | classify | none: embed takes the backbone alone, whatever head the checkpoint
  // has; classify makes a classifier of it (hf_overrides' classifier_from_token).
  std::string convert = "auto";
  // JSON object: pooling_type, use_activation, dimensions, step_tag_id, returned_token_ids,
  // enable_chunked_processing, max_embed_len.
  std::string pooler_config{};
  std::string hf_overrides{};                                // JSON object laid over config.json
  int64_t max_model_len = 0;                                 // tokens; 0 = the model's own
  int threads = EngineDefaults::from_environment().threads;  // 0 = one per core it may use
  std::string backend = "cpu";                               // cpu | ref
  int64_t max_batch_tokens = 0;        // tokens of one forward pass; 0 = chosen from the model
  int64_t max_queue_tokens = 1 << 20;  // tokens waiting before submit says kQueueFull
  int64_t max_num_seqs = 256;          // completions that are written at the same time
  // What requests to generate leave open: auto = the model's generation_config.json, vllm = vLLM's
  // defaults, or a folder that has a generation_config.json; and a JSON object laid over it.
  std::string generation_config = "auto";
  std::string override_generation_config{};
  int64_t max_logprobs = 20;  // that a request may ask for; -1 = all
  // JSON object, as vLLM's: {"method": "ngram", "num_speculative_tokens": 5}, and
  // prompt_lookup_max, prompt_lookup_min. What comes next is guessed from what came before, and
  // several tokens are checked at once: the same tokens, sooner where texts repeat.
  std::string speculative_config{};
  // Whether requests share prefixes, and the size of the cache of causal models; 0 = a part of the
  // memory that is free.
  bool enable_prefix_caching = EngineDefaults::from_environment().enable_prefix_caching;
  int64_t cache_bytes = EngineDefaults::from_environment().cache_bytes;
  // How the cache keeps keys and values: auto (float32), float32, bfloat16, fp8 or fp8_e4m3, and
  // fp8_e5m2. Narrower ones have room for two and four times the tokens; attention reads all keys
  // and values of such models rounded so, whether they come out of the cache or not.
  std::string kv_cache_dtype = "auto";
  int64_t limit_images = 32;  // of one request (vLLM's limit_mm_per_prompt)
  // Where the pictures of requests may lie, beside what the requests hold themselves: paths and
  // file: URLs in this folder alone, symlinks resolved (empty = nowhere), and hosts of http and
  // https URLs (none = nothing is fetched; "*" = any that has a public address, while one in a
  // private network has to be named).
  std::string allowed_local_media_path = "/";
  std::vector<std::string> allowed_media_domains{};
  // Seconds that a picture's host may take.
  double image_fetch_timeout = EngineDefaults::from_environment().image_fetch_timeout;
  // JSON object laid over the keys of the checkpoint's image processor, such as
  // {"max_pixels": 1003520}.
  std::string mm_processor_kwargs{};
  std::string tokenizer{};  // folder or hub name of another tokenizer; empty = the model's own
  // The prompt of texts whose request has none: one of the checkpoint's by name, or literally. Both
  // empty = the checkpoint's default prompt.
  std::string default_prompt_name{}, default_prompt{};
  // Folder within the model's, of the Dense layer instead of modules.json's.
  std::string dense_path{};
};

struct VECTON_API RuntimeOptions {
  int threads = EngineDefaults::from_environment().threads;  // 0 = one per core it may use
  std::string backend = "cpu";                               // cpu | ref
  // What the engines may keep together: weights and caches. Memory of forward passes counts as long
  // as it is held, and is never refused. 0 = no limit but the system's.
  int64_t memory_bytes = 0;
};

}  // namespace vecton
