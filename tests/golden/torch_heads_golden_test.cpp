// BGE-M3 as the hub has it: its heads in files that torch wrote, not in safetensors.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/temporary_folder.h"
#include "checkpoint/torch_file.h"
#include "fixture.h"
#include "vecton/vecton.h"

namespace vecton::golden {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFixture = "bge-m3";
constexpr const char* kHeads[] = {"sparse_linear", "colbert_linear"};

TEST(TorchHeads, HoldWhatTheirSafetensorsHold) {
  const fs::path model = Fixture(kFixture).model();
  for (const std::string name : kHeads) {
    const auto torch = checkpoint::read_torch_file(model / (name + ".pt"));
    const auto safe = checkpoint::read_safetensors(model / (name + ".safetensors"));
    ASSERT_EQ(torch.size(), safe.size()) << name;
    for (const auto& [key, want] : safe) {
      ASSERT_TRUE(torch.contains(key)) << name << " " << key;
      const checkpoint::StoredTensor& got = torch.at(key);
      EXPECT_EQ(got.dtype, want.dtype) << name << " " << key;
      EXPECT_EQ(got.shape, want.shape) << name << " " << key;
      EXPECT_TRUE(std::ranges::equal(got.bytes, want.bytes)) << name << " " << key;
    }
  }
}

// A copy of the fixture's model without the heads' safetensors.
class ModelWithTorchHeads {
 public:
  ModelWithTorchHeads() {
    fs::copy(Fixture(kFixture).model(), folder(), fs::copy_options::recursive);
    for (const std::string head : kHeads) fs::remove(folder() / (head + ".safetensors"));
  }

  const fs::path& folder() const { return folder_.path(); }

 private:
  const base::TemporaryFolder folder_;
};

std::vector<Result> answers(const fs::path& model) {
  EngineOptions options{.model = model.string()};
  options.threads = 1;
  std::vector<Request> requests;
  for (const Task task : {Task::kEmbed, Task::kSparseEmbed, Task::kTokenEmbed})
    requests.push_back(
        {.prompt = {.input = "What is the capital of France?"}, .task = default_parameters(task)});
  return Engine::open(options)->submit(std::move(requests)).get();
}

TEST(TorchHeads, GiveTheSameVectors) {
  const ModelWithTorchHeads model;
  const std::vector<Result> got = answers(model.folder()),
                            want = answers(Fixture(kFixture).model());
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_FALSE(got[i].error()) << got[i].error()->what();
    const std::span<const float> a = numbers_of(got[i].answer).values,
                                 b = numbers_of(want[i].answer).values;
    EXPECT_FALSE(a.empty());
    EXPECT_TRUE(std::ranges::equal(a, b)) << i;
  }
  EXPECT_EQ(got[1].get<SparseVector>().ids, want[1].get<SparseVector>().ids);
}

}  // namespace
}  // namespace vecton::golden
