/* The same from C. */
#include <stdio.h>
#include <stdlib.h>
#include <vecton/capi.h>

int main(int argc, char** argv) {
  if (argc < 3) return fprintf(stderr, "usage: embed_c MODEL TEXT...\n"), 2;
  const size_t count = (size_t)argc - 2;
  vecton_engine* engine = vecton_create(argv[1], NULL);
  if (!engine) return fprintf(stderr, "embed_c: %s\n", vecton_last_error()), 1;
  const size_t size = vecton_embedding_size(engine);
  float* vectors = malloc(count * size * sizeof *vectors);
  const int failed =
      !vectors || vecton_embed(engine, (const char* const*)argv + 2, count, NULL, vectors) != 0;
  if (failed) fprintf(stderr, "embed_c: %s\n", vecton_last_error());
  for (size_t i = 0; !failed && i < count; ++i)
    printf("%zu values, first %f: %s\n", size, vectors[i * size], argv[i + 2]);
  free(vectors);
  vecton_free(engine);
  return failed;
}
