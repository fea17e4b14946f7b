#include "backend/registry.h"

#include "backend/ref/ref_ops.h"
#include "vecton/error.h"

namespace vecton {

std::unique_ptr<Ops> make_ops(const std::string& backend, ThreadPool& pool,
                              const std::string& isa) {
  if (backend == "ref") return make_ref_ops();
  throw Error(ErrorCode::kInvalidArgument, "backend: '" + backend + "' is none of: cpu, ref",
              "backend");
}

}  // namespace vecton
