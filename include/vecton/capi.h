/* C interface: create a model, embed, score or classify texts, free it. Every function may be
 * called from any thread; the last error is kept per thread. The interface only grows: a program
 * linked against it keeps working. */
#ifndef VECTON_CAPI_H_
#define VECTON_CAPI_H_

#include <stddef.h>

/* What the shared library exports. */
#define VECTON_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vecton_engine vecton_engine;

/* "0.1.0" */
VECTON_API const char* vecton_version(void);

/* Opens a folder or a hub name. `options` is NULL or a JSON object with the fields of EngineOptions
 * ("revision", "dtype", "compute", "quantization", "runner", "convert", "pooler_config",
 * "hf_overrides", "max_model_len", "threads", "backend", "enable_prefix_caching", "cache_bytes",
 * "kv_cache_dtype"). NULL on failure.
 */
VECTON_API vecton_engine* vecton_create(const char* model, const char* options);

/* Values of one embedding. */
VECTON_API size_t vecton_embedding_size(const vecton_engine* engine);

/* Embeds `count` NUL-terminated UTF-8 texts into `out` [count, vecton_embedding_size].
 * `prompt_name` is NULL for the model's default. 0 on success, otherwise an error and `out` is
 * undefined. */
VECTON_API int vecton_embed(vecton_engine* engine, const char* const* texts, size_t count,
                            const char* prompt_name, float* out);

/* Scores `count` documents for one query into `out` [count], in their order, as the model does it:
 * cross-encoder, late interaction or cosine. `instruction` is NULL for the checkpoint's; only
 * rerankers whose prompt has one take another. 0 on success, otherwise an error and `out` is
 * undefined. */
VECTON_API int vecton_score(vecton_engine* engine, const char* query, const char* const* documents,
                            size_t count, const char* instruction, float* out);

/* Labels of a classifier; 0 of other models. The name of one, NULL where there is none; it lives as
 * long as the engine. */
VECTON_API size_t vecton_label_count(const vecton_engine* engine);
VECTON_API const char* vecton_label(const vecton_engine* engine, size_t label);

/* Classifies `count` texts into `out` [count, vecton_label_count]: probabilities, or what else the
 * checkpoint makes of its logits. `pairs` is NULL, or has a second text for every text. 0 on
 * success, otherwise an error and `out` is undefined. */
VECTON_API int vecton_classify(vecton_engine* engine, const char* const* texts,
                               const char* const* pairs, size_t count, float* out);

typedef struct vecton_matrix vecton_matrix;

/* One vector per token of a text. `role` is NULL, "query" or "document": what the text is to a
 * retrieval model. NULL on failure. */
VECTON_API vecton_matrix* vecton_embed_tokens(vecton_engine* engine, const char* text,
                                              const char* role);

/* The matrix' shape and its values, row-major; they live as long as it does. */
VECTON_API size_t vecton_matrix_rows(const vecton_matrix* matrix);
VECTON_API size_t vecton_matrix_columns(const vecton_matrix* matrix);
VECTON_API const float* vecton_matrix_values(const vecton_matrix* matrix);

/* Frees a matrix; NULL is allowed. */
VECTON_API void vecton_matrix_free(vecton_matrix* matrix);

/* Frees what vecton_create made; NULL is allowed. */
VECTON_API void vecton_free(vecton_engine* engine);

/* The message of this thread's last failure, "" when there was none. Valid until the thread's next
 * call. */
VECTON_API const char* vecton_last_error(void);

#ifdef __cplusplus
}
#endif

#endif /* VECTON_CAPI_H_ */
