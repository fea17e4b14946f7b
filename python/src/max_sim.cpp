// Late interaction over the caller's arrays, which are read where they lie.
#include <nanobind/ndarray.h>
#include <unistd.h>

#include <algorithm>

#include "binding.h"

namespace vecton::python {

namespace {

using Rows = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Offsets = nb::ndarray<const int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Scores = nb::ndarray<float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

Numbers numbers_of(const Rows& rows) {
  return {.rows = static_cast<int64_t>(rows.shape(0)),
          .columns = static_cast<int64_t>(rows.shape(1)),
          .values = {rows.data(), rows.size()}};
}

// With threads that all calls share. They do not exist in a child process, which starts its own; in
// either they end with the process. Called with the interpreter's lock.
const Runtime& shared_runtime() {
  static const std::shared_ptr<Runtime>* runtime = nullptr;
  static pid_t process = 0;
  if (process != ::getpid()) {
    runtime = new std::shared_ptr<Runtime>(Runtime::create());
    process = ::getpid();
  }
  return **runtime;
}

}  // namespace

void bind_max_sim(nb::module_& m) {
  m.def(
      "max_sim",
      [](const Rows& query, const Rows& documents, const Offsets& offsets, const Scores& scores) {
        const Runtime& runtime = shared_runtime();
        nb::gil_scoped_release release;
        const std::vector<float> found = max_sim(runtime, numbers_of(query), numbers_of(documents),
                                                 std::span(offsets.data(), offsets.size()));
        if (found.size() != scores.size())
          throw Error(ErrorCode::kInvalidArgument, "scores must have a place for each document");
        std::ranges::copy(found, scores.data());
      },
      nb::arg("query"), nb::arg("documents"), nb::arg("offsets"), nb::arg("scores").noconvert());
}

}  // namespace vecton::python
