// A model as the routes that list models show it: whatever it is, in memory or not.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/server.h"
#include "vecton/vecton.h"

namespace vecton::server {

enum class ModelState { kUnloaded, kLoading, kLoaded, kUnloading, kSleeping };

struct ListedModel {
  const ServerOptions& options;           // the server's, with what the model has of its own
  const std::vector<std::string>& names;  // at least one
  const std::string& public_name;
  std::shared_ptr<const ModelInfo> info{};  // of when it was in memory last; null = never
  ModelState state = ModelState::kLoaded;

  // Whether requests may name it: what the operator has unloaded they may not.
  bool served() const { return state != ModelState::kUnloaded; }
  // One of its names as clients see it, who are not told where a folder lies.
  const std::string& shown(const std::string& name) const {
    return name == options.engine.model && !public_name.empty() ? public_name : name;
  }
};

}  // namespace vecton::server
