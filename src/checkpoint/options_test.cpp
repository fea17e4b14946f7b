#include "vecton/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "vecton/error.h"

namespace vecton::checkpoint {
namespace {

// Sets a variable for the life of the object.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Variable() { ::unsetenv(name_); }

 private:
  const char* name_;
};

std::string refusal(const char* name, const char* value) {
  const Variable variable(name, value);
  try {
    EngineDefaults::from_environment();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(EngineDefaults, ComeFromTheEnvironment) {
  ::unsetenv("OMP_NUM_THREADS");
  EXPECT_EQ(EngineOptions{}.threads, 0);
  EXPECT_TRUE(EngineOptions{}.enable_prefix_caching);
  EXPECT_EQ(EngineOptions{}.cache_bytes, 0);
  const Variable threads("OMP_NUM_THREADS", "3,2");
  const Variable paged("VLLM_METAL_USE_PAGED_ATTENTION", "0");
  const Variable fraction("VLLM_METAL_MEMORY_FRACTION", "0.25");
  EXPECT_EQ(EngineOptions{}.threads, 3);
  EXPECT_FALSE(EngineOptions{}.enable_prefix_caching);
  EXPECT_GT(EngineOptions{}.cache_bytes, 0);
  EXPECT_EQ((EngineOptions{.threads = 2}).threads, 2);
  EXPECT_EQ(EngineOptions{}.image_fetch_timeout, 5);
  const Variable fetch("VLLM_IMAGE_FETCH_TIMEOUT", "12.5");
  EXPECT_EQ(EngineOptions{}.image_fetch_timeout, 12.5);
}

TEST(EngineDefaults, NameTheVariableThatMakesNoSense) {
  using ::testing::HasSubstr;
  EXPECT_THAT(refusal("OMP_NUM_THREADS", "many"), HasSubstr("OMP_NUM_THREADS=many"));
  EXPECT_THAT(refusal("OMP_NUM_THREADS", "0"), HasSubstr("OMP_NUM_THREADS"));
  EXPECT_THAT(refusal("VLLM_METAL_USE_PAGED_ATTENTION", "yes"), HasSubstr("0 or 1"));
  EXPECT_THAT(refusal("VLLM_METAL_MEMORY_FRACTION", "1.5"), HasSubstr("up to 1"));
  EXPECT_EQ(refusal("VLLM_METAL_MEMORY_FRACTION", "auto"), "");
  for (const char* seconds : {"0", "-1", "nan", "5s", "1e9"})
    EXPECT_THAT(refusal("VLLM_IMAGE_FETCH_TIMEOUT", seconds), HasSubstr("a number of seconds"));
}

}  // namespace
}  // namespace vecton::checkpoint
