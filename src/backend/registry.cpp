#include "backend/registry.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "backend/cpu/cpu_ops.h"
#include "backend/ref/ref_ops.h"
#include "vecton/error.h"

namespace vecton::backend {

std::string default_isa() {
  std::vector<std::string> isas;
  for (const cpu::Isa isa : cpu::supported_isas()) isas.emplace_back(to_string(isa));
  const char* forced = std::getenv("VECTON_CPU");
  if (!forced || !*forced) return isas.back();
  if (std::ranges::find(isas, forced) != isas.end()) return forced;
  std::string known;
  for (const std::string& isa : isas) known += (known.empty() ? "" : ", ") + isa;
  throw Error(ErrorCode::kInvalidArgument,
              "VECTON_CPU: '" + std::string(forced) +
                  "' is none of those that this build and machine have: " + known,
              "VECTON_CPU");
}

std::unique_ptr<Ops> make_ops(const std::string& backend, base::ThreadPool& pool,
                              const std::string& isa) {
  if (backend == "ref") return make_ref_ops();
  if (backend == "cpu") return make_cpu_ops(pool, isa.empty() ? default_isa() : isa);
  throw Error(ErrorCode::kInvalidArgument, "backend: '" + backend + "' is none of: cpu, ref",
              "backend");
}

}  // namespace vecton::backend
