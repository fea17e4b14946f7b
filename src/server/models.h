// Models: those that a server serves, by the names that requests call them. They share a Runtime:
// threads, memory, the device. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "server/log.h"
#include "server/served_model.h"

namespace vecton::server {

class Models {
 public:
  // Throws Error (kInvalidArgument) where two have the same name.
  Models(const ServerOptions& options, const Log& log);

  // Loads those that are to be there when the server is ready, one after the other. Throws Error.
  void load();
  // Serves one more, once it is loaded; `loaded` hears of that, or why it is not, as
  // ServedModel::load says. Throws Error where its name is another's.
  void add(const ModelOptions& options, ServedModel::Waiter loaded);
  // No model is loaded any more, and nobody waits for one.
  void stop();

  // What answers requests that name none.
  ServedModel& first() const { return *first_; }
  // The model that has the name, or that of NAME:latest, as Ollama's clients call it; null = none.
  std::shared_ptr<ServedModel> find(std::string_view name) const;
  // In the order in which they came.
  std::vector<std::shared_ptr<ServedModel>> all() const;

  int64_t in_flight() const;  // requests
  bool any_loaded() const;
  bool any_loading() const;
  // Whether one of them has been in memory that reads images.
  bool read_images() const;

 private:
  ServedModel& insert(const ModelOptions& options);
  void forget(const ServedModel& model);

  const ServerOptions& options_;
  const Log& log_;
  const std::shared_ptr<Runtime> runtime_;
  ServedModel* first_ = nullptr;

  mutable std::shared_mutex mutex_;  // guards what follows
  std::vector<std::shared_ptr<ServedModel>> models_;
  std::map<std::string, std::shared_ptr<ServedModel>, std::less<>> by_name_;
  std::vector<std::shared_ptr<ServedModel>> forgotten_;  // could not be loaded
};

}  // namespace vecton::server
