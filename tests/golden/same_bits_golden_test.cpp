// Every model of every fixture.
#include <gtest/gtest.h>

#include <cctype>

#include "fixture.h"
#include "same_bits.h"

namespace vecton::golden {
namespace {

class SameBitsGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(SameBitsGolden, WhateverTheBatchAndTheThreads) {
  expect_same_bits_in_any_batch(Fixture(GetParam()).model());
}

// Of quantised decoders.
class CachedBitsGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(CachedBitsGolden, WhateverTheCacheHolds) {
  expect_same_bits_with_a_cache(Fixture(GetParam()).model());
}

INSTANTIATE_TEST_SUITE_P(Fixtures, SameBitsGolden,
                         ::testing::ValuesIn(fixtures_with({"hidden_states", "classify",
                                                            "token_classify", "score", "mlm"})),
                         test_name);

INSTANTIATE_TEST_SUITE_P(
    Forms, CachedBitsGolden,
    ::testing::Values("mlx-qwen3-affine4", "mlx-qwen3-embed-8bit", "mlx-qwen2-3bit",
                      "mlx-qwen3-mxfp4", "mlx-qwen3-nvfp4", "mlx-qwen3-mxfp8",
                      "mlx-llama-mixed-modes", "awq-llama3", "gptq-llama3", "hf-qwen3-fp8",
                      "ct-llama-w4a16", "ct-llama-w8a8", "ct-llama-fp8-dynamic",
                      "ct-llama-fp8-block", "ct-llama-w4a16-asym", "ct-llama-mixed",
                      "ct-llama-nvfp4", "ct-llama-mx", "ct-llama-actorder", "gptq-llama-actorder",
                      "modelopt-llama-fp8", "modelopt-llama-nvfp4", "modelopt-llama-mixed",
                      "fp8-llama-static", "gguf-llama-q40", "gguf-qwen3-q80", "gguf-qwen3-q4km"),
    test_name);

}  // namespace
}  // namespace vecton::golden
