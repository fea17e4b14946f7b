// What the bytes of a run's output depend on, beside the files of the model and the input: the
// options that whoever goes on with the run has to give again. job_test.cpp goes through all that
// there are.
#pragma once

#include "base/json_fwd.h"
#include "cli/model_options.h"
#include "vecton/request.h"

namespace vecton::cli {

// By name, each as it was given.
json::object job_of(const EngineOptions& options);
json::object job_of(const RequestOptions& options);
json::object job_of(const Generate& generate);

}  // namespace vecton::cli
