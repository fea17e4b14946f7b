// Checkpoints as torch saves them: pytorch_model.bin in place of model.safetensors, of the
// transformer and of its modules, gives the same bits.
#include <gtest/gtest.h>

#include <fstream>

#include "base/temporary_folder.h"
#include "checkpoint/torch_test_files.h"
#include "checkpoint/weight_files.h"
#include "fixture.h"
#include "vecton/vecton.h"

namespace vecton::golden {
namespace {

namespace fs = std::filesystem;

// A fixture's model with every model.safetensors, and its shards, made one pytorch_model.bin.
class TorchModel {
 public:
  explicit TorchModel(const fs::path& model) {
    fs::copy(model, folder(), fs::copy_options::recursive);
    convert(folder());
    for (const auto& entry : fs::directory_iterator(folder())) {
      if (entry.is_directory()) convert(entry.path());
    }
  }

  const fs::path& folder() const { return folder_.path(); }
  int files() const { return files_; }

 private:
  void convert(const fs::path& folder) {
    std::vector<fs::path> safe;
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("model") && name.find(".safetensors") != name.npos)
        safe.push_back(entry.path());
    }
    if (safe.empty()) return;
    std::ofstream(folder / checkpoint::kTorchNames.single, std::ios::binary)
        << testing::torch_file_of(checkpoint::read_checkpoint(folder));
    for (const fs::path& file : safe) fs::remove(file);
    ++files_;
  }

  const base::TemporaryFolder folder_;
  int files_ = 0;
};

std::vector<float> vector_of(const fs::path& model) {
  EngineOptions options{.model = model.string()};
  options.threads = 1;
  const auto engine = Engine::open(options);
  return engine->embed({"What is the capital of France?"}).at(0);
}

TEST(TorchFiles, GiveTheSameVectors) {
  const std::pair<const char*, int> fixtures[] = {{"bert-embed-maxsqrt-dense", 2},
                                                  {"bert-embed-sharded", 1},
                                                  {"roberta-embed", 1},
                                                  {"static-embed", 1}};
  for (const auto& [name, files] : fixtures) {
    SCOPED_TRACE(name);
    const TorchModel torch(Fixture(name).model());
    EXPECT_EQ(torch.files(), files);
    const std::vector<float> got = vector_of(torch.folder());
    EXPECT_FALSE(got.empty());
    EXPECT_EQ(got, vector_of(Fixture(name).model()));
  }
}

}  // namespace
}  // namespace vecton::golden
