// vecton similarity --image: which patches of a picture answer which tokens of a query.
#pragma once

#include <string>

#include "vecton/vecton.h"

namespace vecton::cli {

struct SimilarityMapOptions {
  std::string image;          // a file, or a data: URI
  std::string file;           // PNG that is drawn; empty = none
  std::string token = "max";  // --query-token
  bool json = false;
};

// `like`: a TokenEmbed. Prints the best patch of each token, or JSON with all, and draws. Failure
// (kUsage) where the model does not compare patches with tokens.
void print_similarity_map(Engine& engine, const Request& like, const std::string& query,
                          const SimilarityMapOptions& options);

}  // namespace vecton::cli
