#include "backend/registry.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "backend/cpu/cpu_ops.h"
#include "backend/ref/ref_ops.h"
#include "vecton/error.h"
#ifdef VECTON_MLX
#include "backend/mlx/mlx_backend.h"
#endif

namespace vecton::backend {

namespace {

[[noreturn]] void refuse(const std::string& backend) {
  std::string known;
  for (const std::string& name : backends()) known += (known.empty() ? "" : ", ") + name;
  throw Error(ErrorCode::kInvalidArgument,
              "backend: '" + backend + "' is none of those that this build has: " + known,
              "backend");
}

}  // namespace

std::string default_isa() {
  const std::vector<std::string> isas = cpu_isas();
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
#ifdef VECTON_MLX
  if (backend == "mlx") return make_mlx_ops(isa);
#endif
  refuse(backend);
}

std::vector<std::string> backends() {
#ifdef VECTON_MLX
  return {"cpu", "ref", "mlx"};
#else
  return {"cpu", "ref"};
#endif
}

std::vector<std::string> isas_of(const std::string& backend) {
#ifdef VECTON_MLX
  if (backend == "mlx") return mlx_devices();
#endif
  if (backend == "cpu") return cpu_isas();
  if (backend == "ref") return {"scalar"};
  refuse(backend);
}

std::vector<ops::Compute> computes_of(const std::string& backend) {
  using ops::Compute;
#ifdef VECTON_MLX
  if (backend == "mlx") return {Compute::kFloat32, Compute::kBFloat16, Compute::kFloat16};
#endif
  if (backend == "cpu") return {Compute::kFloat32, Compute::kBFloat16, Compute::kInt8};
  if (backend == "ref") return {std::begin(ops::kComputes), std::end(ops::kComputes)};
  refuse(backend);
}

}  // namespace vecton::backend
