// What a processor_config.json says of the prompts of queries and pages (transformers' ColPali,
// ColQwen2 and ColModernVBert processors). A part of make_plans().
#pragma once

#include <filesystem>

#include "models/image_input.h"

namespace vecton::engine {

// Throws Error (kUnsupported) where the file in `folder` has a query_prefix or visual_prompt_prefix
// that is not what `input` writes: those of the processors' own code are.
void check_retrieval_prompts(const std::filesystem::path& folder, const models::ImageInput& input);

}  // namespace vecton::engine
