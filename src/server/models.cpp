#include "server/models.h"

#include <algorithm>
#include <future>
#include <mutex>
#include <utility>

#include "server/public_name.h"

namespace vecton::server {

namespace {

std::shared_ptr<Runtime> runtime_of(const ServerOptions& options) {
  return Runtime::create({.threads = options.engine.threads,
                          .backend = options.engine.backend,
                          .memory_bytes = options.memory_bytes});
}

// Blocks until the model is there. Throws why it is not.
void load_now(ServedModel& model) {
  // The waiter's too, which may still be in set_value() when this returns.
  const auto loaded = std::make_shared<std::promise<void>>();
  model.load([loaded](const Lease&, const std::exception_ptr& error) {
    error ? loaded->set_exception(error) : loaded->set_value();
  });
  loaded->get_future().get();
}

}  // namespace

Models::Models(const ServerOptions& options, const Log& log)
    : options_(options), log_(log), runtime_(runtime_of(options)) {
  if (options.models.empty()) insert(options);
  for (const ModelOptions& model : options.models) insert(model);
  first_ = models_.front().get();
}

ServedModel& Models::insert(const ModelOptions& options) {
  ServerOptions own = options_;
  own.models.clear();
  static_cast<ModelOptions&>(own) = options;
  auto model = std::make_shared<ServedModel>(std::move(own), runtime_, log_);
  std::vector<std::string> names = model->names();
  names.push_back(shown_name(names, options.engine.model, model->public_name()));
  std::vector<std::shared_ptr<ServedModel>> ended;
  const std::unique_lock lock(mutex_);
  for (const std::string& name : names) {
    const auto known = by_name_.find(name);
    if (known == by_name_.end()) continue;
    const std::string& other = known->second->options().engine.model;
    throw Error(
        ErrorCode::kInvalidArgument,
        "served_model_name: two models would be called `" + name + "`, " + other + " and " +
            options.engine.model + ": give each a name of its own" +
            (other == options.engine.model ? ", or load the one that there is by its name" : ""),
        "served_model_name");
  }
  for (std::string& name : names) by_name_.emplace(std::move(name), model);
  ended.swap(forgotten_);
  models_.push_back(std::move(model));
  return *models_.back();
}

void Models::add(const ModelOptions& options, ServedModel::Waiter loaded) {
  ServedModel& model = insert(options);
  model.load([this, &model, loaded = std::move(loaded)](Lease lease, std::exception_ptr error) {
    if (error) forget(model);
    loaded(std::move(lease), std::move(error));
  });
}

// Its thread may be the one that calls: it ends later.
void Models::forget(const ServedModel& model) {
  const std::unique_lock lock(mutex_);
  std::erase_if(by_name_, [&](const auto& entry) { return entry.second.get() == &model; });
  const auto at =
      std::ranges::find_if(models_, [&](const auto& each) { return each.get() == &model; });
  if (at == models_.end()) return;
  forgotten_.push_back(std::move(*at));
  models_.erase(at);
}

void Models::load() {
  for (const auto& model : all()) {
    if (model->options().load_on_startup) {
      load_now(*model);
    } else {
      model->sleep();
    }
  }
}

void Models::stop() {
  for (const auto& model : all()) model->stop();
}

std::shared_ptr<ServedModel> Models::find(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  auto found = by_name_.find(name);
  if (found == by_name_.end()) found = by_name_.find(without_tag(name));
  return found == by_name_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<ServedModel>> Models::all() const {
  const std::shared_lock lock(mutex_);
  return models_;
}

int64_t Models::in_flight() const {
  int64_t requests = 0;
  for (const auto& model : all()) requests += model->in_flight();
  return requests;
}

bool Models::any_loaded() const {
  return std::ranges::any_of(all(), [](const auto& model) { return model->lease() != nullptr; });
}

bool Models::any_loading() const {
  return std::ranges::any_of(
      all(), [](const auto& model) { return model->listed().state == ModelState::kLoading; });
}

bool Models::read_images() const {
  const std::shared_lock lock(mutex_);
  return std::ranges::any_of(models_, [](const auto& model) { return model->reads_images(); });
}

}  // namespace vecton::server
