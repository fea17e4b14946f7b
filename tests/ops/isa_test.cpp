// Which instruction set runs: the best, the one VECTON_CPU names, or the one the caller names.
#include <gmock/gmock.h>

#include <cstdlib>

#include "backend/machine.h"
#include "backend/registry.h"
#include "ops/support.h"
#include "vecton/error.h"

namespace vecton::test {
namespace {

class Forced {
 public:
  explicit Forced(const std::string& isa) { setenv("VECTON_CPU", isa.c_str(), 1); }
  ~Forced() { unsetenv("VECTON_CPU"); }
};

std::string message_of(const std::string& backend, const std::string& isa = "") {
  base::ThreadPool pool(1);
  try {
    backend::make_ops(backend, pool, isa);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "";
}

TEST(Isa, BestByDefault) {
  unsetenv("VECTON_CPU");
  base::ThreadPool pool(1);
  EXPECT_EQ(backend::make_ops("cpu", pool)->isa(), backend::machine().isas.back());
  EXPECT_EQ(backend::machine().isa, backend::machine().isas.back());
  EXPECT_EQ(backend::machine().isas.front(), "scalar");
}

TEST(Isa, EnvironmentForcesOne) {
  for (const std::string& isa : backend::machine().isas) {
    const Forced forced(isa);
    base::ThreadPool pool(1);
    EXPECT_EQ(backend::make_ops("cpu", pool)->isa(), isa);
    EXPECT_EQ(backend::make_ops("cpu", pool)->fork()->isa(), isa);
    EXPECT_EQ(backend::machine().isa, isa);
  }
}

TEST(Isa, ArgumentGoesBeforeEnvironment) {
  const Forced forced("no such thing");
  base::ThreadPool pool(1);
  EXPECT_EQ(backend::make_ops("cpu", pool, "scalar")->isa(), "scalar");
}

TEST(Isa, UnknownOnesAreRefused) {
  EXPECT_THAT(message_of("cpu", "avx9"), testing::HasSubstr("avx9"));
  EXPECT_THAT(message_of("cpu", "avx9"), testing::HasSubstr("scalar"));
  EXPECT_THAT(message_of("gpu"), testing::HasSubstr("cpu, ref"));
  const Forced forced("avx9");
  EXPECT_THAT(message_of("cpu"), testing::HasSubstr("VECTON_CPU"));
  EXPECT_THAT(message_of("cpu"), testing::HasSubstr("scalar"));
}

// The bits tell which kernels ran: a long sum is added in as many lanes as the vectors have.
TEST(Isa, TheForcedOneRuns) {
  Random random(1);
  const Matrix x = random_matrix(random, 8, 4096);
  const tensor::Weight weight = make_weight(random_matrix(random, 64, 4096));
  const Numbers ones(4096, 1.0f);
  std::vector<Matrix> results;
  for (const std::string& isa : backend::machine().isas) {
    base::ThreadPool pool(1);
    const auto run = [&](Ops& ops) {
      const ops::LinearWeight w{ops.prepare_linear({&weight, 1}), {}};
      const Matrix product = download(ops, ops.linear(upload(ops, x), w));
      const Matrix normed = download(
          ops, ops.norm(upload(ops, x),
                        {ops::NormWeight::Kind::kLayerNorm, prepare(ops, ones), {}, 1e-6f}));
      Matrix both = product;
      both.values.insert(both.values.end(), normed.values.begin(), normed.values.end());
      return both;
    };
    const Forced forced(isa);
    const Matrix named = run(*backend::make_ops("cpu", pool, isa)),
                 from_environment = run(*backend::make_ops("cpu", pool));
    EXPECT_EQ(named.values, from_environment.values);
    for (const Matrix& other : results) EXPECT_NE(named.values, other.values) << isa;
    results.push_back(named);
  }
}

}  // namespace
}  // namespace vecton::test
