// Which models' vectors may be shortened.
#include "engine/matryoshka.h"

#include "checkpoint/test_files.h"
#include "engine/model_copy.h"

namespace vecton::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::ModelCopy;

ModelInfo info_of(const std::string& golden, const std::string& name) {
  return inspect(ModelCopy(golden, name).options());
}

TEST(Matryoshka, IsKnownByFamilyAndName) {
  const ModelInfo qwen = info_of("emb-qwen3", "Qwen3-Embedding-0.6B");
  EXPECT_TRUE(qwen.matryoshka);
  EXPECT_THAT(qwen.matryoshka_dimensions, IsEmpty());
  EXPECT_EQ(qwen.matryoshka_least, 32);
  EXPECT_EQ(info_of("qwen3-vl-embedding", "Qwen3-VL-Embedding-2B").matryoshka_least, 64);
  EXPECT_TRUE(info_of("emb-gemma", "embeddinggemma-300m").matryoshka);
  EXPECT_TRUE(info_of("bert-embed-mean", "mxbai-embed-large-v1").matryoshka);
  EXPECT_FALSE(info_of("emb-qwen3", "embeddinggemma-300m").matryoshka);  // of another family
  EXPECT_FALSE(info_of("emb-qwen3", "my-qwen3-embedding").matryoshka);
  EXPECT_FALSE(info_of("bert-embed-mean", "snowflake-arctic-embed-m").matryoshka);
  EXPECT_TRUE(info_of("bert-embed-mean", "snowflake-arctic-embed-m-v1.5").matryoshka);
}

TEST(Matryoshka, IsKnownOfASnapshotInAHubCache) {
  EXPECT_TRUE(info_of("emb-qwen3", "models--Qwen--Qwen3-Embedding-4B").matryoshka);
}

// The name is the folder's, not the link's or the relative path's that leads there.
TEST(Matryoshka, IsKnownByItsFolderBehindALink) {
  const ModelCopy model("emb-qwen3", "Qwen3-Embedding-0.6B");
  const std::filesystem::path link = model.path().parent_path() / "current";
  std::filesystem::create_directory_symlink(model.path(), link);
  EXPECT_TRUE(inspect({.model = link.string()}).matryoshka);
  EXPECT_TRUE(inspect({.model = (model.path() / ".").string()}).matryoshka);
}

TEST(Matryoshka, SizesAreThoseThatTheModelHas) {
  const ModelInfo info = info_of("bert-embed-mean", "snowflake-arctic-embed-m-v1.5");
  EXPECT_THAT(info.matryoshka_dimensions, ElementsAre(info.embedding_size));  // a tiny one
}

TEST(Matryoshka, IsWhatTheConfigSaysWhereItSays) {
  const ModelCopy model("emb-qwen3", "Qwen3-Embedding-0.6B");
  EngineOptions options = model.options();
  options.hf_overrides = R"({"is_matryoshka":false})";
  EXPECT_FALSE(inspect(options).matryoshka);
  options.hf_overrides = R"({"matryoshka_dimensions":[16,8]})";
  EXPECT_THAT(inspect(options).matryoshka_dimensions, ElementsAre(16, 8));
  EXPECT_EQ(inspect(options).matryoshka_least, 1);
}

TEST(Matryoshka, RequestsAreCutToWhatTheModelWasTrainedFor) {
  const ModelCopy model("emb-qwen3", "Qwen3-Embedding-0.6B");
  const auto engine = Engine::open(model.options());
  const auto size_of = [&](const Embed& task) {
    const Request request{.prompt = {.input = "a river"}, .task = task};
    return engine->submit({request}).get().front().get<Vectors>().values.size();
  };
  EXPECT_EQ(size_of({.dimensions = 32}), 32u);
  EXPECT_REFUSED(size_of({.dimensions = 16}), ErrorCode::kInvalidArgument, "from 32 to");
  EXPECT_EQ(size_of({.dimensions = 16, .dimensions_of_any_model = true}), 16u);
}

TEST(Matryoshka, AnyModelIsCutWhereThatIsAskedFor) {
  const auto engine = Engine::open(ModelCopy("bert-embed-mean").options());
  const auto ask = [&](bool any) {
    const Embed task{.dimensions = 8, .dimensions_of_any_model = any, .normalize = true};
    Request request{.prompt = {.input = "a river"}, .task = task};
    return engine->submit({std::move(request)}).get().front().get<Vectors>().values;
  };
  EXPECT_REFUSED(ask(false), ErrorCode::kInvalidArgument, "matryoshka");
  double length = 0;
  for (const float v : ask(true)) length += double{v} * v;
  EXPECT_NEAR(length, 1, 1e-6);
}

}  // namespace
}  // namespace vecton::engine
