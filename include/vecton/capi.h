/* C interface: create a model, embed texts, free it. Every function may be called from any thread;
 * the last error is kept per thread. The interface only grows: a program linked against it keeps
 * working. */
#ifndef VECTON_CAPI_H_
#define VECTON_CAPI_H_

#include <stddef.h>

#include "vecton/export.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vecton_engine vecton_engine;

/* "0.1.0" */
VECTON_API const char* vecton_version(void);

/* Opens a folder or a hub name. `options` is NULL or a JSON object with the fields of EngineOptions
 * ("revision", "dtype", "runner", "convert", "pooler_config", "hf_overrides", "max_model_len",
 * "threads", "backend"). NULL on failure. */
VECTON_API vecton_engine* vecton_create(const char* model, const char* options);

/* Values of one embedding. */
VECTON_API size_t vecton_embedding_size(const vecton_engine* engine);

/* Embeds `count` NUL-terminated UTF-8 texts into `out` [count, vecton_embedding_size].
 * `prompt_name` is NULL for the model's default. 0 on success, otherwise an error and `out` is
 * undefined. */
VECTON_API int vecton_embed(vecton_engine* engine, const char* const* texts, size_t count,
                            const char* prompt_name, float* out);

/* Frees what vecton_create made; NULL is allowed. */
VECTON_API void vecton_free(vecton_engine* engine);

/* The message of this thread's last failure, "" when there was none. Valid until the thread's next
 * call. */
VECTON_API const char* vecton_last_error(void);

#ifdef __cplusplus
}
#endif

#endif /* VECTON_CAPI_H_ */
