// What a Runtime is made of; see vecton/vecton.h.
#pragma once

#include <memory>

#include "base/job_sources.h"
#include "base/memory_budget.h"
#include "base/thread_pool.h"
#include "ops/ops.h"
#include "vecton/vecton.h"

namespace vecton {

struct Runtime::Impl {
  explicit Impl(const RuntimeOptions& options);

  RuntimeOptions options;
  base::MemoryBudget memory;
  base::JobSources sources;     // the engines
  base::ThreadPool pool;        // its threads use the above
  std::unique_ptr<Ops> device;  // engines fork it
};

}  // namespace vecton
