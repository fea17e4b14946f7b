#include <string>
#include <utility>

#include "backend/registry.h"
#include "engine/runtime_impl.h"
#include "vecton/error.h"

namespace vecton {

namespace {

RuntimeOptions checked(RuntimeOptions options) {
  if (options.threads < 0)
    throw Error(ErrorCode::kInvalidArgument, "threads must not be negative", "threads");
  if (options.memory_bytes < 0)
    throw Error(ErrorCode::kInvalidArgument, "memory_bytes must not be negative", "memory_bytes");
  if (options.threads == 0) options.threads = base::ThreadPool::cores();
  return options;
}

}  // namespace

Runtime::Impl::Impl(const RuntimeOptions& wanted)
    : options(checked(wanted)),
      memory(options.memory_bytes, [this] { return device ? device->held_bytes() : 0; }),
      pool(
          options.threads, [this](int worker) { return sources.work(worker); },
          [this](int worker) { sources.rest(worker); }),
      device(backend::make_ops(options.backend, pool)) {}

Runtime::Runtime(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Runtime::~Runtime() = default;

std::shared_ptr<Runtime> Runtime::create(const RuntimeOptions& options) {
  return std::shared_ptr<Runtime>(new Runtime(std::make_unique<Impl>(options)));
}

int Runtime::threads() const { return impl_->options.threads; }

}  // namespace vecton
