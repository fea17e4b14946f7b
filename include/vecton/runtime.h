// Runtime: what the engines of one process share: threads, memory, the device. An engine that is
// opened without one has its own.
//
//   auto runtime = vecton::Runtime::create({.threads = 8});
//   auto embedder = vecton::Engine::open({.model = "..."}, runtime);
//   auto reranker = vecton::Engine::open({.model = "..."}, runtime);
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "vecton/export.h"
#include "vecton/options.h"

namespace vecton {

struct VECTON_API RuntimeOptions {
  int threads = EngineDefaults::from_environment().threads;  // 0 = one per core it may use
  std::string backend = "cpu";                               // cpu | ref
  // What the engines may keep together: weights and caches. Memory of forward passes counts as long
  // as it is held, and is never refused. 0 = no limit but the system's.
  int64_t memory_bytes = 0;
};

class VECTON_API Runtime {
 public:
  // Errors name the option.
  static std::shared_ptr<Runtime> create(const RuntimeOptions& options = {});
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  int threads() const;

  struct Impl;
  Impl& impl() const { return *impl_; }  // the library's own

 private:
  explicit Runtime(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vecton
