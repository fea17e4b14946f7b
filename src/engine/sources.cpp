#include "engine/sources.h"

#include <algorithm>

#include "base/files.h"
#include "engine/adapted.h"
#include "engine/plan.h"
#include "gguf/file.h"

namespace vecton::engine {

namespace fs = std::filesystem;

std::vector<fs::path> parts_of(const fs::path& path) {
  std::vector<fs::path> parts = {path};
  const auto name = gguf::split_name(path.filename().string());
  if (!name || name->number != 1) return parts;
  for (int64_t i = 2; i <= name->count; ++i) {
    const fs::path part = path.parent_path() / gguf::name_of_part(*name, i);
    if (base::is_file(part)) parts.push_back(part);
  }
  return parts;
}

std::vector<fs::path> model_sources(const EngineOptions& options) {
  std::vector<fs::path> sources;
  const auto add = [&](const fs::path& path) {
    for (const fs::path& part : parts_of(path))
      if (std::ranges::count(sources, part) == 0) sources.push_back(part);
  };
  for (const Plan& plan : make_plans(options, {})) {
    add(plan.folder);
    if (plan.adapter) add(find_base(*plan.adapter, options, {}));
    add(plan.tokenizer);
  }
  return sources;
}

}  // namespace vecton::engine
