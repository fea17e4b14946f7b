// A float checkpoint that is quantised while it is opened answers to the bit as the one that
// convert writes of it.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/temporary_folder.h"
#include "convert/convert.h"
#include "fixture.h"
#include "vecton/error.h"
#include "vecton/vecton.h"

namespace vecton::golden {
namespace {

struct Named {
  const char* quantization;
  const char* mode;
  int64_t bits, group;
};
constexpr Named kNamed[] = {
    {"mlx-affine-8", "affine", 8, 64},
    {"mlx-affine-4", "affine", 4, 64},
    {"mlx-affine-3-g32", "affine", 3, 32},
    {"mxfp4", "mxfp4", 4, 32},
    {"nvfp4", "nvfp4", 4, 16},
    {"mxfp8", "mxfp8", 8, 32},
};

std::vector<float> vector_of(const EngineOptions& options) {
  const auto engine = Engine::open(options);
  const std::vector<std::string> texts = {"some words to look at"};
  return engine->embed(texts).front();
}

class RunTimeGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(RunTimeGolden, VectorsAreThoseOfTheConvertedCheckpoint) {
  const Fixture fixture(GetParam());
  const base::TemporaryFolder folder;
  for (const Named& named : kNamed) {
    SCOPED_TRACE(named.quantization);
    convert::ConvertOptions convert;
    convert.model = fixture.model();
    convert.target = folder.path() / named.quantization;
    convert.quantize = true;
    convert.mode = named.mode;
    convert.bits = named.bits;
    convert.group_size = named.group;
    convert::convert_model(convert);
    EngineOptions options;
    options.convert = "embed";
    options.model = convert.target;
    const std::vector<float> converted = vector_of(options);
    options.model = fixture.model();
    EXPECT_NE(vector_of(options), converted);
    options.quantization = named.quantization;
    EXPECT_EQ(vector_of(options), converted);
    options.model = convert.target;
    EXPECT_THROW(Engine::open(options), Error);  // it is quantised already
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, RunTimeGolden, ::testing::ValuesIn(fixtures_with({"convert"})),
                         test_name);

}  // namespace
}  // namespace vecton::golden
