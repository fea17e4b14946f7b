#include "checkpoint/name_expression.h"

#include "checkpoint/test_files.h"

namespace vecton::checkpoint {
namespace {

TEST(NameExpression, MatchesFromTheFirstCharacterOn) {
  const NameExpression down(".*down_proj", "targets"), layer(R"(model\.layers\.(0|2)\..*up)", "t");
  EXPECT_TRUE(down.matches_start("model.layers.0.mlp.down_proj"));
  EXPECT_TRUE(down.matches_start("model.layers.0.mlp.down_proj.more"));
  EXPECT_FALSE(down.matches_start("model.layers.0.mlp.up_proj"));
  EXPECT_TRUE(layer.matches_start("model.layers.2.mlp.up_proj"));
  EXPECT_FALSE(layer.matches_start("model.layers.1.mlp.up_proj"));
  EXPECT_FALSE(layer.matches_start("own.model.layers.2.mlp.up_proj"));
  EXPECT_FALSE(NameExpression("down_proj$", "t").matches_start("mlp.down_proj"));
}

TEST(NameExpression, RefusesWhatItCannotRead) {
  EXPECT_REFUSED(NameExpression("a(", "config.json: \"targets\""), ErrorCode::kUnsupported,
                 "config.json: \"targets\"", "understood");
  const NameExpression slow("(a+)+$", "config.json: \"targets\"");
  EXPECT_REFUSED(slow.matches_start(std::string(100, 'a') + "b"), ErrorCode::kUnsupported,
                 "config.json: \"targets\"", "too many steps");
}

}  // namespace
}  // namespace vecton::checkpoint
