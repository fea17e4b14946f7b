#include "models/family.h"

#include <algorithm>
#include <string>
#include <vector>

namespace vecton::models {

const Architecture* Family::find(std::string_view architecture) const {
  const auto found = std::ranges::find(architectures, architecture, &Architecture::name);
  return found == architectures.end() ? nullptr : found;
}

checkpoint::HeadKind Family::head_of(std::string_view architecture) const {
  const Architecture* found = find(architecture);
  return found ? found->head : checkpoint::HeadKind::kNone;
}

const Architecture* Family::with_head(checkpoint::HeadKind head) const {
  const auto found = std::ranges::find(architectures, head, &Architecture::head);
  return found == architectures.end() ? nullptr : found;
}

int64_t Family::default_labels(const checkpoint::Config& config) const {
  const std::vector<std::string> names = config.strings_or_empty("architectures");
  const Architecture* found = names.empty() ? nullptr : find(names.front());
  return found ? found->default_labels : checkpoint::kDefaultLabels;
}

}  // namespace vecton::models
