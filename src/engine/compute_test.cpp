// What bfloat16 and int8 cost on real weights, where they are here (tools/get_minilm fetches them):
// what ops::least_cosine() promises of all-MiniLM-L6-v2.
#include "ops/compute.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <set>
#include <string>

#include "base/json.h"
#include "vecton/vecton.h"

namespace vecton {
namespace {

std::vector<std::string> real_texts(size_t count) {
  std::ifstream file("bench/data/mixed600.jsonl");
  std::vector<std::string> texts;
  for (std::string line; texts.size() < count && std::getline(file, line);)
    texts.emplace_back(json::parse(line).at("text").as_string());
  return texts;
}

// Null where the weights are not in the hub's cache.
std::unique_ptr<Engine> open_minilm(ops::Compute compute, const std::string& quantization = "") {
  EngineOptions options{.model = "sentence-transformers/all-MiniLM-L6-v2"};
  options.quantization = quantization;
  options.hub.offline = true;
  options.compute = ops::to_string(compute);
  try {
    return Engine::open(options);
  } catch (const Error&) {
    return nullptr;
  }
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += double{a[i]} * b[i];
    aa += double{a[i]} * a[i];
    bb += double{b[i]} * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

std::vector<size_t> nearest_ten(const std::vector<std::vector<float>>& vectors, size_t text) {
  std::vector<double> cosines;
  for (const auto& other : vectors) cosines.push_back(cosine(vectors[text], other));
  cosines[text] = -2;
  std::vector<size_t> order(vectors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::partial_sort(order, order.begin() + 10,
                            [&](size_t a, size_t b) { return cosines[a] > cosines[b]; });
  order.resize(10);
  std::ranges::sort(order);
  return order;
}

double neighbours_kept(const std::vector<std::vector<float>>& exact,
                       const std::vector<std::vector<float>>& other) {
  size_t kept = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    const std::vector<size_t> want = nearest_ten(exact, i), got = nearest_ten(other, i);
    std::vector<size_t> both;
    std::ranges::set_intersection(want, got, std::back_inserter(both));
    kept += both.size();
  }
  return static_cast<double>(kept) / static_cast<double>(10 * exact.size());
}

// The least cosine, and what the neighbours are that are kept.
void check_cost(const char* what, ops::Compute compute, double least_kept,
                const std::vector<std::vector<float>>& exact,
                const std::vector<std::vector<float>>& rounded) {
  double least = 1, mean = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    const double value = cosine(exact[i], rounded[i]);
    least = std::min(least, value);
    mean += value / static_cast<double>(exact.size());
  }
  const double kept = neighbours_kept(exact, rounded);
  std::printf("%s: least cosine %.6f, mean %.6f, of ten neighbours kept %.4f\n", what, least, mean,
              kept);
  EXPECT_GE(least, ops::least_cosine(compute)) << what;
  EXPECT_GE(kept, least_kept) << what;
}

TEST(ComputeOfMiniLm, CostsWhatIsPromised) {
  const auto engine = open_minilm(ops::Compute::kFloat32);
  if (!engine) GTEST_SKIP() << "needs all-MiniLM-L6-v2: tools/get_minilm VECTON";
  const std::vector<std::string> texts = real_texts(500);
  ASSERT_EQ(texts.size(), 500u);
  const Request request;
  const std::vector<std::vector<float>> exact = engine->embed(texts, request);
  for (const ops::Compute compute : {ops::Compute::kBFloat16, ops::Compute::kInt8}) {
    check_cost(std::string(ops::to_string(compute)).c_str(), compute, 0.98, exact,
               open_minilm(compute)->embed(texts, request));
  }
}

// Against the quantised model's own numbers.
TEST(ComputeOfMiniLm, CostsNoMoreWhereItIsQuantised) {
  if (!open_minilm(ops::Compute::kFloat32))
    GTEST_SKIP() << "needs all-MiniLM-L6-v2: tools/get_minilm VECTON";
  const std::vector<std::string> texts = real_texts(500);
  const Request request;
  for (const char* mode : {"mlx-affine-8", "mlx-affine-4", "mxfp4", "mxfp8"}) {
    const auto exact = open_minilm(ops::Compute::kFloat32, mode)->embed(texts, request);
    check_cost(mode, ops::Compute::kInt8, 0.98, exact,
               open_minilm(ops::Compute::kInt8, mode)->embed(texts, request));
  }
}

}  // namespace
}  // namespace vecton
