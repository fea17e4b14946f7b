// Readers of a sentence-transformers folder's first module: sentence_bert_config.json and its kin.
#pragma once

#include <filesystem>
#include <string_view>

#include "checkpoint/module_files.h"
#include "checkpoint/modules.h"

namespace vecton::checkpoint {

// `task` where the file names none: the class decides.
InputModule read_transformer(const std::filesystem::path& folder, TransformerTask task,
                             Notes& notes);
InputModule read_static_embedding(const std::filesystem::path& folder);
InputModule read_sparse_static_embedding(const std::filesystem::path& folder, Notes& notes);

// "feature-extraction".
std::string_view to_string(TransformerTask task);

}  // namespace vecton::checkpoint
