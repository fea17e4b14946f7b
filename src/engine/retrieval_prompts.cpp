#include "engine/retrieval_prompts.h"

#include <string>

#include "base/files.h"
#include "checkpoint/config.h"
#include "vecton/error.h"

namespace vecton::engine {

namespace {

void require_in(const checkpoint::Config& config, const std::string& key, const std::string& wanted,
                const std::string& prompt) {
  if (prompt.find(wanted) != std::string::npos) return;
  throw Error(ErrorCode::kUnsupported, config.file() + ": " + key + " is \"" +
                                           config.string_or(key, "") +
                                           "\": expected what the model was trained with, whose "
                                           "prompt is \"" +
                                           prompt + "\"");
}

}  // namespace

void check_retrieval_prompts(const std::filesystem::path& folder, const models::ImageInput& input) {
  const std::filesystem::path file = folder / "processor_config.json";
  if (!base::is_file(file)) return;
  const checkpoint::Config config = checkpoint::Config::read(file);
  const models::RetrievalPrompt& prompt = input.retrieval;
  constexpr const char* kText = "...";
  if (const std::string prefix = config.string_or("query_prefix", "");
      !prefix.empty() && prompt.query)
    require_in(config, "query_prefix", prefix + kText, prompt.query(kText));
  if (const std::string prefix = config.string_or("visual_prompt_prefix", "");
      !prefix.empty() && prompt.document)
    require_in(config, "visual_prompt_prefix", prefix, prompt.document(input.markup, ""));
}

}  // namespace vecton::engine
