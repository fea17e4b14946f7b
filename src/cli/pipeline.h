// Runs records through an engine, a sliding window of them at a time, and hands the results back in
// order.
#pragma once

#include <cstddef>
#include <functional>

#include "cli/record_reader.h"
#include "vecton/vecton.h"

namespace vecton::cli {

struct Window {
  size_t batch = 64;             // texts submitted at once
  size_t batch_bytes = 1 << 20;  // a batch ends early when its texts are this long
  size_t ahead = 16;             // batches read ahead of the oldest unfinished one
};

struct Stages {
  std::function<Request(const Record&)> request;        // what to ask for a record
  std::function<void(const Record&, Result&&)> result;  // called in the order of the records
  std::function<void()> idle = [] {};                   // nothing to do until more input comes
};

// Runs `reader` to its end on the calling thread. A record that can't be served ends the run with a
// Failure that says where it stands, after the results of all records before it. Throws Interrupted
// when a signal came (the caller holds an InterruptGuard), after the results that were complete.
void run_pipeline(Engine& engine, RecordReader& reader, const Window& window, const Stages& stages);

}  // namespace vecton::cli
