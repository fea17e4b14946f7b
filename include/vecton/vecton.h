// Engine: one loaded model that answers requests. The library's front door.
//
//   auto engine = vecton::Engine::open({.model = "sentence-transformers/all-MiniLM-L6-v2"});
//   std::vector<std::vector<float>> vectors = engine->embed({"a text", "another"});
//
// An Engine may be used from any number of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "vecton/error.h"
#include "vecton/options.h"
#include "vecton/request.h"
#include "vecton/tokenizer.h"

namespace vecton {

// The version of the library, "0.1.0".
VECTON_API const char* version();

// What a model is and how it will be served, as resolved from its files and the options.
// The weights of one form: "float32", "MLX affine 4 bits", "GGUF Q4_K".
struct WeightForm {
  std::string form;
  int64_t parameters = 0, file_bytes = 0;
  int64_t weight_bytes = 0;  // about, in memory; 0 where dtype decides
};

struct ModelInfo {
  std::string name, folder, architecture, family, backend, isa, dtype;
  std::string compute;        // "float32", "bfloat16", "int8", "float16": EngineOptions::compute
  double compute_cosine = 1;  // what `compute` costs a small model: the least cosine between
                              // vectors of all-MiniLM-L6-v2 in it and in float32, of 500 texts
  std::vector<Task> tasks;    // the first is the one that the checkpoint is for
  std::vector<std::string> labels;  // of kClassify and kTokenClassify, by id
  // Of each label: false of a number, true, false or null that config.json has in a name's place;
  // empty = all are names.
  std::vector<bool> labels_are_names;
  std::string activation;  // of classes and scores: "softmax", "sigmoid", "identity"
  // The files name it, as sentence-transformers' cross-encoders do; else it is what labels have.
  bool activation_named = false;
  // How kScore works: "cross-encoder", "late-interaction", "bi-encoder"; "" = it doesn't.
  std::string scorer;
  // How vectors are compared: "cosine", "dot", "euclidean", "manhattan" (distances negative);
  // "maxsim" or "meanmaxsim" of late interaction; "" of cross-encoders and others.
  std::string similarity;
  std::string pooling;  // "MEAN", "CLS", "LAST", "MAX+MEAN_SQRT_LEN", ...
  bool normalize = false;
  std::vector<std::string> dense;  // the modules around the pooling: "2_Dense: 128 -> 24, Tanh"
  std::vector<std::pair<std::string, std::string>> prompts;
  std::optional<std::string> default_prompt_name;
  // Queries and documents are read in ways of their own whatever their prompts: marked, cut
  // elsewhere, or by modules of their own (a Router).
  bool roles = false;
  // What stands in a text for a picture; empty = the model reads none, or reads them alone.
  std::string image_placeholder;
  bool images = false;                         // it reads pictures
  bool matryoshka = false;                     // `dimensions` are accepted
  std::vector<int64_t> matryoshka_dimensions;  // empty = any from matryoshka_least on
  int64_t matryoshka_least = 1;
  int64_t max_model_len = 0, hidden_size = 0, embedding_size = 0, layers = 0, vocab_size = 0;
  int64_t parameters = 0, file_bytes = 0,
          weight_bytes = 0;  // weight_bytes: what the backend keeps in memory
  // Of models that can keep what they have computed: what each token takes in the cache, and, where
  // layers keep a state, what each sequence takes beside that, however long it is.
  int64_t cache_bytes_per_token = 0, state_bytes = 0;
  std::string kv_cache_dtype;  // float32, bfloat16, float8_e4m3 or float8_e5m2; empty = no cache
  std::vector<WeightForm> weight_forms;  // of inspect(): those with the most numbers first
  int threads = 0;
  int64_t max_batch_tokens = 0;       // of one forward pass; a longer text has one of its own
  std::vector<std::string> warnings;  // what the files left open, and what in them is not used
};

// Label `id` as JSON: the name in quotes, or what config.json has in its place.
VECTON_API std::string label_json(const ModelInfo& info, size_t id);
// The same of an entity.
VECTON_API std::string label_json(const ModelInfo& info, const Entity& entity);

// Counters since the engine was opened, and what it holds now.
struct EngineStats {
  int64_t requests_running = 0, requests_waiting = 0, tokens_waiting = 0;
  int64_t requests_done = 0, requests_failed = 0, requests_cancelled = 0, prompt_tokens = 0,
          batches = 0;
  int64_t generation_tokens = 0, preemptions = 0;
  // Of EngineOptions::speculative_config: passes that checked a draft, its tokens, those that were
  // right.
  int64_t spec_decode_drafts = 0, spec_decode_draft_tokens = 0, spec_decode_accepted_tokens = 0;
  // Prefix cache, in tokens: asked for, found; and its pages: all, in use.
  int64_t prefix_cache_queries = 0, prefix_cache_hits = 0, cache_pages = 0, cache_pages_used = 0;
  int64_t cache_tokens = 0;  // that it has room for, where every layer keeps all of them
};

// What the engines of one process share: threads, memory, the device. An engine that is
// opened without one has its own.
//
//   auto runtime = vecton::Runtime::create({.threads = 8});
//   auto embedder = vecton::Engine::open({.model = "..."}, runtime);
//   auto reranker = vecton::Engine::open({.model = "..."}, runtime);
class VECTON_API Runtime {
 public:
  // Errors name the option.
  static std::shared_ptr<Runtime> create(const RuntimeOptions& options = {});
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  int threads() const;

  struct Impl;
  Impl& impl() const { return *impl_; }  // the library's own

 private:
  explicit Runtime(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// What a Generate that says nothing itself gets, of the model's files and the options.
struct GenerationDefaults {
  double temperature = 1, top_p = 1, min_p = 0;
  double repetition_penalty = 1, presence_penalty = 0, frequency_penalty = 0;
  int64_t top_k = 0;
  std::optional<int64_t> max_tokens{};
  bool skip_special_tokens = true;
  std::vector<int32_t> eos_token_ids{};  // the first is the one whose stop_reason is none
};

// Gives up the requests of one submit; without a call they run to the end.
class VECTON_API Ticket {
 public:
  Ticket() = default;
  void cancel();

 private:
  friend class Engine;
  std::function<void()> cancel_;
};

class VECTON_API Engine {
 public:
  // Opens the model. `progress` hears of a download. Errors are thrown before a weight is computed
  // with.
  static std::unique_ptr<Engine> open(
      const EngineOptions& options,
      const std::function<void(const DownloadProgress&)>& progress = {});
  // With the threads, the memory and the device of a runtime, which the engine keeps alive.
  // `threads` and `backend` of the options must be the defaults or the runtime's.
  static std::unique_ptr<Engine> open(
      const EngineOptions& options, std::shared_ptr<Runtime> runtime,
      const std::function<void(const DownloadProgress&)>& progress = {});
  ~Engine();  // stops: waiting requests end with kCancelled
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // What to do when the queue has no room.
  enum class WhenFull { kThrow, kWait };

  // Checks and tokenizes the requests on the calling thread, queues all of them or none, and
  // returns. `done` is called once, on a thread of the engine, with a Result per request in order;
  // it must not block. Throws Error for a request that can't be served (the message names its
  // index) and kQueueFull.
  Ticket submit(std::vector<Request> requests, std::function<void(std::vector<Result>)> done,
                WhenFull when_full = WhenFull::kThrow);
  std::future<std::vector<Result>> submit(std::vector<Request> requests,
                                          WhenFull when_full = WhenFull::kWait);

  // The vectors of `texts`, [embedding_size] each, by requests like `like`, whose task is Embed.
  // Blocks; throws the first error.
  std::vector<std::vector<float>> embed(std::span<const std::string> texts,
                                        const Request& like = {});
  std::vector<std::vector<float>> embed(std::initializer_list<std::string> texts,
                                        const Request& like = {});

  // The scores of `documents` for one query, in their order, by requests like `like`, whose task is
  // Score. Blocks; throws the first error.
  std::vector<float> score(const std::string& query, std::span<const std::string> documents,
                           const Request& like = {.task = Score{}});

  // What the model writes after a text, of completion 0. Blocks; throws the error.
  std::string generate(const std::string& prompt, const Generate& parameters = {});
  GenerationDefaults generation_defaults() const;

  const ModelInfo& info() const;
  const Tokenizer& tokenizer() const;
  // The templates that messages go through, read from the model's folder when they are first
  // needed.
  const ChatTemplates& chat_templates() const;
  EngineStats stats() const;

  // Useful floating-point operations of one text of `tokens` tokens: every linear layer at every
  // token, but the logits of a generative model at the last alone, QK^T and PV at the text's own
  // length, of causal attention half, of windows what they hold. No padding, no overhead.
  double flops(int64_t tokens) const;
  // Bytes of weights that one forward pass reads.
  int64_t weight_bytes_per_pass() const;

  // Takes no more requests, finishes those taken. Blocks until they are done.
  void drain();

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// How alike each row of `query` is to each patch of a picture of `document`, both answers to a
// TokenEmbed: dot products, [query.rows, grid.rows, grid.columns]. The best patch of a row is what
// late interaction counts of it. Error (kInvalidArgument) where they don't belong together.
VECTON_API std::vector<float> similarity_maps(const Vectors& query, const Vectors& document,
                                              const ImageGrid& grid);

// Late interaction of a query with stored documents (Khattab and Zaharia 2020, arXiv:2004.12832):
// of each document, the sum over the query's rows of the largest product with one of its rows.
// Document i is rows offsets[i] to offsets[i + 1] of `documents`, at least one. They are read where
// they lie, so that those of a mapped file are never copied. A score does not depend on the other
// documents, nor on the threads. Error (kInvalidArgument) where the shapes don't belong together.
VECTON_API std::vector<float> max_sim(const Runtime& runtime, const Numbers& query,
                                      const Numbers& documents, std::span<const int64_t> offsets);

// Everything that can be said of a model without reading its weights.
VECTON_API ModelInfo inspect(const EngineOptions& options);

struct FamilyInfo {
  std::string name;                        // "bert"
  std::vector<std::string> architectures;  // config.json's "architectures" and model_type strings
};
VECTON_API std::vector<FamilyInfo> families();

}  // namespace vecton
