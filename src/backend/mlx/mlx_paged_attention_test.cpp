// The kernel's text is C++ but for Metal's words: it is compiled here for the processor with these,
// and run on what its call would give it, against attention() with gathered pages. That MLX takes
// the call shows where it is recorded and not run.
#include "backend/mlx/mlx_paged_attention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <barrier>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <numeric>
#include <random>
#include <thread>

#include "backend/mlx/mlx_attention_plan.h"
#include "backend/mlx/mlx_backend.h"
#include "vecton/error.h"

namespace vecton::backend {
namespace {

constexpr int kLanes = 32;

struct uint3 {
  unsigned x, y, z;
};

// Lanes that run at once and add up their numbers.
class SimdGroup {
 public:
  float sum(unsigned lane, float value) {
    values_[lane] = value;
    barrier_.arrive_and_wait();
    const float all = std::accumulate(std::begin(values_), std::end(values_), 0.0f);
    barrier_.arrive_and_wait();
    return all;
  }

 private:
  std::barrier<> barrier_{kLanes};
  float values_[kLanes] = {};
};

template <int HEADS, int KV_HEADS, int DIM, int PAGE_ROWS, bool CAPPED, bool SINKS, typename T>
void run_lane(SimdGroup& lanes, uint3 thread_position_in_threadgroup,
              uint3 threadgroup_position_in_grid, const std::vector<mx::array>& inputs, float* y) {
  using std::exp, std::max, std::tanh;
  const float *q = inputs[0].data<float>(), *k = inputs[1].data<float>(),
              *v = inputs[2].data<float>();
  const T *page_k = inputs[3].data<T>(), *page_v = inputs[4].data<T>();
  const int *pages = inputs[5].data<int>(), *reach = inputs[6].data<int>();
  const float *sinks = inputs[7].data<float>(), *numbers = inputs[8].data<float>();
  const auto simd_sum = [&](float value) {
    return lanes.sum(thread_position_in_threadgroup.x, value);
  };
#include "backend/mlx/paged_attention.metal"
}

template <typename T, int HEADS, int KV_HEADS, int DIM, int PAGE_ROWS, bool CAPPED, bool SINKS>
std::vector<float> run(const PagedKernelCall& call) {
  std::vector<float> y(static_cast<size_t>(call.output[0] * call.output[1]), NAN);
  const auto heads = static_cast<unsigned>(std::get<1>(call.threads)),
             queries = static_cast<unsigned>(std::get<2>(call.threads));
  SimdGroup group;
  std::vector<std::thread> lanes;
  for (unsigned lane = 0; lane < kLanes; ++lane) {
    lanes.emplace_back([&, lane] {
      for (unsigned query = 0; query < queries; ++query) {
        for (unsigned head = 0; head < heads; ++head)
          run_lane<HEADS, KV_HEADS, DIM, PAGE_ROWS, CAPPED, SINKS, T>(
              group, {lane, 0, 0}, {0, head, query}, call.inputs, y.data());
      }
    });
  }
  for (std::thread& lane : lanes) lane.join();
  return y;
}

// Sequences with keys in pages alone, in pages and in the batch, and in the batch alone.
class PagedKernel : public testing::Test {
 protected:
  static constexpr int kPageRows = 4, kPages = 9;
  static constexpr int64_t kQueries = 6, kOwnKeys = 5;

  Tensor random(int64_t rows, int64_t columns) {
    std::vector<float> values(static_cast<size_t>(rows * columns));
    for (float& value : values) value = std::uniform_real_distribution<float>(-2, 2)(random_);
    return ops_->upload(values, rows, columns);
  }

  tensor::Indices list(std::vector<int32_t> values) {
    return ops_->upload_indices(std::move(values));
  }

  Tensor random_cache(int64_t columns, tensor::DType dtype) {
    std::vector<int32_t> all(kPages * kPageRows);
    std::iota(all.begin(), all.end(), 0);
    const Tensor cache = ops_->allocate_cache(std::ssize(all), columns, dtype);
    ops_->store_rows(random(std::ssize(all), columns), list(all), cache, list(all));
    return cache;
  }

  struct Operands {
    ops::AttentionShape shape;
    Tensor q, k, v;
    ops::AttentionBias bias;
    ops::KeyPages before;
    tensor::SequenceRows queries;
    tensor::Indices keys, attended;
  };

  Operands operands(const ops::AttentionShape& shape, bool sinks, tensor::DType dtype,
                    std::vector<int32_t> attended) {
    const int64_t columns = shape.kv_heads * shape.head_dim;
    Operands made{.shape = shape,
                  .q = random(kQueries, shape.heads * shape.head_dim),
                  .k = random(kOwnKeys, columns),
                  .v = random(kOwnKeys, columns),
                  .bias = {},
                  .before = {.k = random_cache(columns, dtype),
                             .v = random_cache(columns, dtype),
                             .page_rows = kPageRows,
                             .pages = list({7, 2, 5, 0, 8}),
                             .offsets = list({0, 3, 5, 5}),
                             .cached = list({11, 8, 0})},
                  .queries = {.offsets = list({0, 1, 3, 6}),
                              .index = list({10, 9, 8, 0, 2, 1}),
                              .sequences = 3,
                              .count = kQueries,
                              .longest = 11},
                  .keys = list({0, 0, 2, 5}),
                  .attended = {}};
    if (!attended.empty()) made.attended = list(std::move(attended));
    if (sinks) made.bias.sinks = random(1, shape.heads);
    return made;
  }

  static PagedKernelCall call_of(const Operands& of) {
    const AttentionPlan plan = plan_attention(of.shape,
                                              {.offsets = of.queries.offsets,
                                               .index = of.queries.index,
                                               .keys = of.keys,
                                               .attended = of.attended,
                                               .pages = of.before.pages,
                                               .page_offsets = of.before.offsets,
                                               .cached = of.before.cached},
                                              kPageRows, true);
    return PagedKernelCall(
        {.shape = of.shape,
         .q = array_of(of.q),
         .k = array_of(of.k),
         .v = array_of(of.v),
         .page_k = array_of(of.before.k),
         .page_v = array_of(of.before.v),
         .pages = array_of(of.before.pages),
         .reach = plan.reach.value(),
         .sinks = of.bias.sinks.empty() ? std::nullopt : std::optional(array_of(of.bias.sinks)),
         .page_rows = kPageRows});
  }

  template <typename T, int HEADS, int KV_HEADS, int DIM, bool CAPPED = false, bool SINKS = false>
  void check(ops::AttentionShape shape, std::vector<int32_t> attended = {}) {
    shape.heads = HEADS;
    shape.kv_heads = KV_HEADS;
    shape.head_dim = DIM;
    shape.scale = 0.4f;
    const auto dtype = std::is_same_v<T, float> ? tensor::DType::kF32 : tensor::DType::kBF16;
    const Operands in = operands(shape, SINKS, dtype, std::move(attended));
    std::vector<float> gathered(static_cast<size_t>(kQueries * HEADS * DIM));
    ops_->download(ops_->attention(in.q, in.k, in.v, shape, in.queries, in.keys, in.bias, in.before,
                                   in.attended),
                   gathered);
    PagedKernelCall call = call_of(in);
    mx::eval(call.inputs);
    const std::vector<float> got = run<T, HEADS, KV_HEADS, DIM, kPageRows, CAPPED, SINKS>(call);
    EXPECT_THAT(got, testing::Pointwise(testing::FloatNear(1e-5f), gathered));
  }

  std::mt19937 random_;
  std::unique_ptr<Ops> ops_ = make_mlx_ops("cpu");
};

TEST_F(PagedKernel, GivesWhatGatheredPagesGive) {
  check<float, 4, 2, 20>({.causal = true});
  check<float, 2, 2, 64>({});
  check<float, 2, 1, 40, true>({.causal = true, .window = 3, .softcap = 2});
  check<float, 4, 4, 8, false, true>({.causal = true});
  check<mx::bfloat16_t, 3, 1, 32, true, true>({.window = 5, .softcap = 3});
}

// One whose window holds rows that are not attended, and one without any.
TEST_F(PagedKernel, QueriesThatSeeNoKey) {
  check<float, 2, 1, 16>({.window = 1}, {0, 0, 3});
  check<float, 2, 1, 16, false, true>({.window = 1}, {0, 0, 0});
}

TEST_F(PagedKernel, ItsCallFitsItsText) {
  const Operands in =
      operands({.heads = 4, .kv_heads = 2, .head_dim = 24, .scale = 1, .softcap = 5}, false,
               tensor::DType::kBF16, {});
  const PagedKernelCall call = call_of(in);
  EXPECT_EQ(call.output, (mx::Shape{6, 96}));
  EXPECT_EQ(call.threads, std::tuple(kLanes, 4, 6));
  EXPECT_EQ(call.group, std::tuple(kLanes, 1, 1));
  ASSERT_EQ(call.inputs.size(), PagedKernelCall::kInputs.size());
  const std::string text(kPagedAttention.text);
  for (const std::string& name : PagedKernelCall::kInputs)
    EXPECT_THAT(text, testing::HasSubstr(name + "["));
  std::map<std::string, int> arguments;
  for (const auto& [name, value] : call.arguments) {
    EXPECT_THAT(text, testing::HasSubstr(name));
    arguments[name] =
        std::holds_alternative<bool>(value) ? int{std::get<bool>(value)} : std::get<int>(value);
  }
  EXPECT_THAT(arguments, testing::ElementsAre(std::pair("CAPPED", 1), std::pair("DIM", 24),
                                              std::pair("HEADS", 4), std::pair("KV_HEADS", 2),
                                              std::pair("PAGE_ROWS", 4), std::pair("SINKS", 0)));
}

// MLX writes the kernel's signature when it is called, and leaves it to who loads the graph to run
// it.
TEST_F(PagedKernel, MlxRecordsItsCall) {
  const PagedKernelCall call = call_of(operands(
      {.heads = 2, .kv_heads = 1, .head_dim = 8, .scale = 1}, true, tensor::DType::kF32, {}));
  const std::string file = testing::TempDir() + "vecton_paged_attention.mlxfn";
  mx::Shape shape;
  mx::export_function(
      file,
      [&](const std::vector<mx::array>& inputs) {
        PagedKernelCall recorded = call;
        recorded.inputs = inputs;
        const mx::array y = recorded.run();
        shape = y.shape();
        return std::vector{y};
      },
      call.inputs);
  EXPECT_EQ(shape, (mx::Shape{6, 16}));
  EXPECT_GT(std::filesystem::file_size(file), kPagedAttention.text.size());
  std::filesystem::remove(file);
}

std::string refusal(const char* value, const char* device) {
  setenv("VECTON_MLX_PAGED_KERNEL", value, 1);
  std::string message;
  try {
    message = paged_kernel_asked(device) ? "asked" : "not asked";
  } catch (const Error& error) {
    EXPECT_EQ(error.field(), "VECTON_MLX_PAGED_KERNEL");
    message = error.what();
  }
  unsetenv("VECTON_MLX_PAGED_KERNEL");
  return message;
}

TEST(PagedKernelSwitch, IsOffUnlessAskedFor) {
  EXPECT_EQ(refusal("", "metal"), "not asked");
  EXPECT_EQ(refusal("0", "metal"), "not asked");
  EXPECT_EQ(refusal("1", "metal"), "asked");
  EXPECT_EQ(refusal("yes", "metal"), "VECTON_MLX_PAGED_KERNEL: expected 0 or 1, found 'yes'");
  EXPECT_THAT(refusal("1", "cpu"), testing::HasSubstr("MLX computes on 'cpu' here"));
}

TEST(PagedKernelSwitch, WithoutMetalIsAnError) {
  setenv("VECTON_MLX_PAGED_KERNEL", "1", 1);
  EXPECT_THAT([] { make_mlx_ops("cpu"); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("the kernel is for Metal")));
  unsetenv("VECTON_MLX_PAGED_KERNEL");
}

}  // namespace
}  // namespace vecton::backend
