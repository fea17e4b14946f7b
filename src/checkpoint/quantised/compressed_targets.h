// CompressedTargets: which modules the groups of compressed-tensors' config_groups are for. Made by
// the reader of config.json; immutable, for any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/name_expression.h"

namespace vecton::checkpoint {

class CompressedTargets {
 public:
  // One of a group's targets: a module's name, "re:" and an expression, or "Linear". Errors
  // (kUnsupported) begin with `what`. The later of two groups with the same target has it.
  void add(const std::string& target, size_t group, const std::string& what);

  // The group of a module that is quantised. Where several have targets for it, a name comes
  // before expressions, those before "Linear", and of expressions the alphabet's first, as
  // compressed-tensors takes them.
  std::optional<size_t> group_of(const std::string& module) const;

 private:
  std::map<std::string, size_t> names_;
  std::map<std::string, std::pair<NameExpression, size_t>> expressions_;
  std::optional<size_t> linear_;
};

}  // namespace vecton::checkpoint
