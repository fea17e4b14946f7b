#include "checkpoint/quantised/compressed_targets.h"

#include "checkpoint/name_text.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

void CompressedTargets::add(const std::string& target, size_t group, const std::string& what) {
  constexpr std::string_view kExpression = "re:";
  if (target.starts_with(kExpression)) {
    const NameExpression expression(target.substr(kExpression.size()),
                                    what + ": " + quoted_text(target));
    expressions_.insert_or_assign(target, std::pair(expression, group));
  } else if (target == "Linear") {
    linear_ = group;
  } else if (!target.empty() && target[0] >= 'A' && target[0] <= 'Z') {  // a class of modules
    throw Error(ErrorCode::kUnsupported, what + ": " + quoted_text(target) +
                                             " is not supported, only \"Linear\", names of modules "
                                             "and expressions for them (\"re:.*down_proj\")");
  } else {
    names_.insert_or_assign(target, group);
  }
}

std::optional<size_t> CompressedTargets::group_of(const std::string& module) const {
  const auto name = names_.find(module);
  if (name != names_.end()) return name->second;
  for (const auto& [target, expression] : expressions_) {
    if (expression.first.matches_start(module)) return expression.second;
  }
  return linear_;
}

}  // namespace vecton::checkpoint
