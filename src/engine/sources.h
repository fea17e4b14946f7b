// What a model is read from: whoever goes on with a run knows by it that the model is the same.
#pragma once

#include <filesystem>
#include <vector>

#include "vecton/options.h"

namespace vecton::engine {

// Folders and GGUF files, each once: the model's, with the other parts of a split file, an
// adapter's base model, another tokenizer. Errors are those of Engine::open.
std::vector<std::filesystem::path> model_sources(const EngineOptions& options);

// `path` and, where its name says that it is the first part of a split GGUF model, the others that
// lie beside it.
std::vector<std::filesystem::path> parts_of(const std::filesystem::path& path);

}  // namespace vecton::engine
