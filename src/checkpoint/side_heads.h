// Heads in files of their own beside a model of any family: a weight per token and a vector per
// token, as FlagEmbedding saves them (BGE-M3, arXiv:2402.03216).
#pragma once

#include <filesystem>
#include <string_view>

namespace vecton::checkpoint {

inline constexpr std::string_view kSparseLinear = "sparse_linear",
                                  kColbertLinear = "colbert_linear";

// Whether a folder has both, as safetensors or as torch files.
bool has_side_heads(const std::filesystem::path& folder);

// Whether a file of this name is one of them.
bool is_side_head(std::string_view file);

}  // namespace vecton::checkpoint
