#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "checkpoint/hub_blob.h"
#include "checkpoint/hub_cache.h"
#include "checkpoint/hub_client.h"
#include "checkpoint/hub_download.h"
#include "hub_server.h"
#include "vecton/error.h"
#include "vecton/options.h"

namespace vecton {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string read(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

std::set<std::string> files_below(const fs::path& folder) {
  std::set<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_directory()) files.insert(entry.path().lexically_relative(folder).string());
  }
  return files;
}

// The error that `call` throws; code and words together, "not_found: ...".
template <typename Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return std::string(to_string(error.code())) + ": " + error.what();
  }
  return "no error";
}

class HubTest : public testing::Test {
 protected:
  HubTest() {
    std::string folder = (fs::temp_directory_path() / "vecton-hub-XXXXXX").string();
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    root_ = folder;
    options_.cache = root_ / "hub";
    options_.endpoint = server_.endpoint();
  }
  ~HubTest() override { fs::remove_all(root_); }

  fs::path repository(const std::string& folder) const { return fs::path(options_.cache) / folder; }
  // A download that does not wait between attempts.
  fs::path download(const std::string& model, int attempts) {
    hub::HubClient client(options_, model, {attempts, std::chrono::milliseconds(0)});
    return hub::download_snapshot(client, hub::RepositoryCache(options_.cache, model),
                                  {.repository = model, .quantisation = {}, .file = {}}, options_,
                                  {});
  }
  std::string resolve_error(const std::string& model) {
    return error_of([&] { resolve_model(model, options_); });
  }

  HubServer server_;
  fs::path root_;
  HubOptions options_;
};

TEST_F(HubTest, DownloadsWhatIsNeededInTheLayoutOfThePythonClient) {
  const fs::path snapshot = resolve_model("org/tiny", options_);
  const fs::path repo = repository("models--org--tiny");
  EXPECT_EQ(snapshot.parent_path(), repo / "snapshots");
  EXPECT_THAT(files_below(snapshot),
              testing::ElementsAre("1_Pooling/config.json", "2_Dense/config.json",
                                   "2_Dense/model.safetensors", "a name with spaces & more.json",
                                   "config.json", "model.safetensors", "modules.json",
                                   "tokenizer.json", "vocab.txt"));
  EXPECT_EQ(read(repo / "refs" / "main"), snapshot.filename());
  EXPECT_EQ(fs::read_symlink(snapshot / "model.safetensors"),
            "../../blobs/" + server_.etag("org/tiny", "model.safetensors"));
  EXPECT_EQ(fs::read_symlink(snapshot / "1_Pooling/config.json"),
            "../../../blobs/" + server_.etag("org/tiny", "1_Pooling/config.json"));
  EXPECT_EQ(fs::file_size(snapshot / "model.safetensors"), 300000u);
  for (const std::string& blob : files_below(repo / "blobs")) {
    EXPECT_THAT(blob, Not(HasSubstr("incomplete")));
    EXPECT_TRUE(
        fs::exists(fs::path(options_.cache) / ".locks/models--org--tiny" / (blob + ".lock")));
  }
}

TEST_F(HubTest, FamiliesHaveMlxEmbeddingsNames) {
  options_.offline = true;
  for (const char* name : {"qwen3-vl", "qwen3_vl"})
    EXPECT_THAT(resolve_error(name), HasSubstr("models--Qwen--Qwen3-VL-Embedding-2B")) << name;
}

TEST_F(HubTest, ACachedModelNeedsNoRequest) {
  const fs::path snapshot = resolve_model("org/tiny", options_);
  const fs::path sharded = resolve_model("org/sharded", options_);
  server_.requests();
  EXPECT_EQ(resolve_model("org/tiny", options_), snapshot);
  EXPECT_EQ(resolve_model("org/sharded", options_), sharded);
  options_.revision = snapshot.filename();
  EXPECT_EQ(resolve_model("org/tiny", options_), snapshot);
  EXPECT_THAT(server_.requests(), IsEmpty());
}

TEST_F(HubTest, OfflineUsesTheCacheAndNamesWhatItLacks) {
  const fs::path snapshot = resolve_model("org/tiny", options_);
  server_.requests();
  options_.offline = true;
  EXPECT_EQ(resolve_model("org/tiny", options_), snapshot);
  EXPECT_THAT(resolve_error("org/sharded"),
              AllOf(HasSubstr("not_found: model 'org/sharded'"), HasSubstr("HF_HUB_OFFLINE"),
                    HasSubstr(options_.cache), HasSubstr("revision main")));
  fs::remove(snapshot / "2_Dense/model.safetensors");
  EXPECT_THAT(resolve_error("org/tiny"), HasSubstr("lacks 2_Dense/model.safetensors"));
  options_.revision = "v1";
  EXPECT_THAT(resolve_error("org/tiny"), HasSubstr("revision v1 is not in the hub cache"));
  EXPECT_THAT(error_of([&] { pull_model("org/tiny", options_); }), HasSubstr("HF_HUB_OFFLINE"));
  EXPECT_THAT(server_.requests(), IsEmpty());
}

TEST_F(HubTest, AMissingShardMakesASnapshotIncomplete) {
  const fs::path snapshot = resolve_model("org/sharded", options_);
  EXPECT_THAT(files_below(snapshot),
              testing::ElementsAre("config.json", "model-00001-of-00002.safetensors",
                                   "model-00002-of-00002.safetensors",
                                   "model.safetensors.index.json", "tokenizer.json"));
  fs::remove(snapshot / "model-00002-of-00002.safetensors");
  options_.offline = true;
  EXPECT_THAT(resolve_error("org/sharded"), HasSubstr("lacks model-00002-of-00002.safetensors"));
  options_.offline = false;
  server_.requests();
  EXPECT_EQ(resolve_model("org/sharded", options_), snapshot);
  EXPECT_TRUE(fs::exists(snapshot / "model-00002-of-00002.safetensors"));
  EXPECT_EQ(server_.requests().size(), 2u);  // the list and one HEAD: the blob was there
}

TEST_F(HubTest, TorchFilesAreFetchedWhereThereAreNoSafetensors) {
  const fs::path torch = resolve_model("org/torch", options_);
  EXPECT_THAT(files_below(torch),
              testing::ElementsAre("1_Pooling/config.json", "2_Dense/config.json",
                                   "2_Dense/pytorch_model.bin", "a name with spaces & more.json",
                                   "config.json", "modules.json", "pytorch_model.bin",
                                   "tokenizer.json", "vocab.txt"));
  const fs::path sharded = resolve_model("org/torchsharded", options_);
  EXPECT_THAT(files_below(sharded),
              testing::ElementsAre("config.json", "pytorch_model-00001-of-00002.bin",
                                   "pytorch_model-00002-of-00002.bin",
                                   "pytorch_model.bin.index.json", "tokenizer.json"));
  const std::set<std::string> mixed = files_below(resolve_model("org/mixed", options_));
  EXPECT_TRUE(mixed.contains("2_Dense/pytorch_model.bin"));
  EXPECT_TRUE(mixed.contains("model.safetensors"));
  EXPECT_FALSE(mixed.contains("pytorch_model.bin"));

  server_.requests();
  EXPECT_EQ(resolve_model("org/torch", options_), torch);
  EXPECT_EQ(resolve_model("org/torchsharded", options_), sharded);
  EXPECT_THAT(server_.requests(), IsEmpty());
  options_.offline = true;
  fs::remove(torch / "2_Dense/pytorch_model.bin");
  EXPECT_THAT(resolve_error("org/torch"), HasSubstr("lacks 2_Dense/model.safetensors"));
  fs::remove(sharded / "pytorch_model-00001-of-00002.bin");
  EXPECT_THAT(resolve_error("org/torchsharded"),
              HasSubstr("lacks pytorch_model-00001-of-00002.bin"));
}

TEST_F(HubTest, StaticEmbeddingsNeedTheirTable) {
  const fs::path snapshot = resolve_model("org/static", options_);
  EXPECT_THAT(files_below(snapshot),
              testing::ElementsAre("model.safetensors", "modules.json", "tokenizer.json"));
  fs::remove(snapshot / "model.safetensors");
  options_.offline = true;
  EXPECT_THAT(resolve_error("org/static"), HasSubstr("lacks model.safetensors"));
}

TEST_F(HubTest, AnotherDenseLayerIsFetchedWhereItIsAskedFor) {
  const fs::path snapshot = resolve_model("org/matryoshka", options_);
  EXPECT_FALSE(fs::exists(snapshot / "2_Dense_1024"));
  options_.dense_path = "2_Dense_1024/";
  EXPECT_EQ(resolve_model("org/matryoshka", options_), snapshot);
  EXPECT_TRUE(fs::exists(snapshot / "2_Dense_1024/config.json"));
  EXPECT_TRUE(fs::exists(snapshot / "2_Dense_1024/model.safetensors"));
  EXPECT_TRUE(fs::exists(snapshot / "2_Dense_256/model.safetensors"));  // modules.json's
  EXPECT_FALSE(fs::exists(snapshot / "2_Dense_8192"));
  server_.requests();
  EXPECT_EQ(resolve_model("org/matryoshka", options_), snapshot);
  EXPECT_THAT(server_.requests(), IsEmpty());
  options_.offline = true;
  options_.dense_path = "2_Dense_8192";
  EXPECT_THAT(resolve_error("org/matryoshka"),
              AllOf(HasSubstr("lacks 2_Dense_8192/config.json"), HasSubstr("HF_HUB_OFFLINE")));
}

TEST_F(HubTest, ADenseLayerThatIsNotThereIsNamedWithThoseThatAre) {
  options_.dense_path = "2_Dense_7";
  EXPECT_THAT(resolve_error("org/matryoshka"),
              AllOf(HasSubstr("invalid"), HasSubstr("dense_path"),
                    HasSubstr("2_Dense_7/config.json; its Dense layers: 2_Dense_")));
  for (const char* outside : {"../secret", "/etc", "."}) {
    options_.dense_path = outside;
    EXPECT_THAT(resolve_error("org/matryoshka"), HasSubstr("dense_path: expected a folder"));
  }
}

TEST_F(HubTest, AdaptersNeedTheirSettingsAndWeights) {
  const fs::path snapshot = resolve_model("org/adapter", options_);
  EXPECT_THAT(
      files_below(snapshot),
      testing::ElementsAre("adapter_config.json", "adapter_model.safetensors", "tokenizer.json"));
  fs::remove(snapshot / "adapter_model.safetensors");
  options_.offline = true;
  EXPECT_THAT(resolve_error("org/adapter"), HasSubstr("lacks adapter_model.safetensors"));
}

TEST_F(HubTest, ASnapshotOfABareTransformerIsFilledUp) {
  const fs::path snapshot = resolve_model("org/tiny", options_);
  fs::remove(snapshot / "modules.json");
  EXPECT_EQ(resolve_model("org/tiny", options_), snapshot);
  EXPECT_TRUE(fs::exists(snapshot / "modules.json"));
  fs::remove(snapshot / "modules.json");
  options_.offline = true;
  EXPECT_EQ(resolve_model("org/tiny", options_), snapshot);
  options_.offline = false;
  options_.token = "hf_bad";
  EXPECT_EQ(resolve_model("org/tiny", options_), snapshot);
  options_.endpoint = "http://127.0.0.1:1";
  EXPECT_EQ(resolve_model("org/tiny", options_), snapshot);
}

TEST_F(HubTest, OneGgufFileOfARepositoryIsFetchedByItsQuantisation) {
  const fs::path file = resolve_model("org/gguf:q4_k_m", options_);
  EXPECT_EQ(file.filename(), "tiny-Q4_K_M.gguf");
  EXPECT_THAT(files_below(file.parent_path()), testing::ElementsAre("tiny-Q4_K_M.gguf"));
  EXPECT_EQ(fs::file_size(file), 3000u);
  server_.requests();
  EXPECT_EQ(resolve_model("org/gguf:Q4_K_M", options_), file);
  EXPECT_EQ(resolve_model("org/gguf/tiny-Q4_K_M.gguf", options_), file);
  EXPECT_THAT(server_.requests(), IsEmpty());
  options_.offline = true;
  EXPECT_EQ(resolve_model("org/gguf:Q4_K_M", options_), file);
  EXPECT_THAT(resolve_error("org/gguf:Q8_0"),
              AllOf(HasSubstr("lacks *Q8_0*.gguf"), HasSubstr("HF_HUB_OFFLINE")));
  options_.offline = false;
  EXPECT_EQ(resolve_model("org/gguf:Q8_0", options_).filename(), "tiny.Q8_0.gguf");
}

TEST_F(HubTest, OneGgufFileOfARepositoryIsFetchedByItsName) {
  const fs::path file = resolve_model("org/gguf/more/tiny-F16.gguf", options_);
  EXPECT_EQ(file.lexically_relative(file.parent_path().parent_path()), "more/tiny-F16.gguf");
  EXPECT_THAT(resolve_error("org/gguf/none.gguf"),
              AllOf(HasSubstr("not_found: model 'org/gguf/none.gguf'"),
                    HasSubstr("the repository has no \"none.gguf\"; there are more/tiny-F16.gguf, "
                              "tiny-Q4_K_M.gguf")));
  EXPECT_THAT(resolve_error("org/gguf:Q4_K"),
              HasSubstr("the repository has no GGUF file of \"Q4_K\""));
  EXPECT_THAT(resolve_error("org/gguf"), HasSubstr("the repository has several GGUF files"));
  EXPECT_THAT(resolve_error("org/gguf:"), HasSubstr("not a name on the model hub"));
  EXPECT_THAT(resolve_error("org/gguf/../x.gguf"), HasSubstr("not a name on the model hub"));
}

TEST_F(HubTest, ASplitGgufModelIsFetchedWhole) {
  const fs::path first = resolve_model("org/ggufsplit", options_);
  EXPECT_EQ(first.filename(), "big-00001-of-00002.gguf");
  EXPECT_THAT(files_below(first.parent_path()),
              testing::ElementsAre("big-00001-of-00002.gguf", "big-00002-of-00002.gguf"));
  options_.offline = true;
  EXPECT_EQ(resolve_model("org/ggufsplit", options_), first);
  fs::remove(first.parent_path() / "big-00002-of-00002.gguf");
  EXPECT_THAT(resolve_error("org/ggufsplit"), HasSubstr("lacks big-00002-of-00002.gguf"));
  options_.offline = false;
  EXPECT_EQ(resolve_model("org/ggufsplit", options_), first);
  EXPECT_THAT(resolve_error("org/ggufcut"), HasSubstr("which is a part of"));
}

TEST_F(HubTest, RevisionsAreBranchesTagsPullRequestsAndCommits) {
  const fs::path repo = repository("models--org--tiny");
  const std::string main = resolve_model("org/tiny", options_).filename();
  std::set<std::string> commits{main};
  for (const char* revision : {"v1", "refs/pr/1"}) {
    options_.revision = revision;
    const std::string commit = resolve_model("org/tiny", options_).filename();
    EXPECT_EQ(read(repo / "refs" / revision), commit);
    commits.insert(commit);
  }
  EXPECT_EQ(commits.size(), 3u);
  fs::remove_all(repo);
  options_.revision = main;
  EXPECT_EQ(resolve_model("org/tiny", options_).filename(), main);
  EXPECT_FALSE(fs::exists(repo / "refs"));
  for (const char* revision : {"", "../main", "/etc", "a//b", "a\nb"}) {
    options_.revision = revision;
    EXPECT_THAT(resolve_error("org/tiny"), HasSubstr("invalid_argument: revision: expected"));
  }
}

TEST_F(HubTest, PullAsksForTheCurrentCommitAndFetchesOnlyWhatChanged) {
  const fs::path first = resolve_model("org/tiny", options_);
  server_.set({{"main", "second"}});
  EXPECT_EQ(resolve_model("org/tiny", options_), first);
  server_.requests();
  const fs::path second = pull_model("org/tiny", options_);
  EXPECT_NE(second, first);
  for (const HubServer::Request& request : server_.requests()) {
    if (request.method == "GET" && !request.path.starts_with("/api/")) {
      EXPECT_THAT(request.path, HasSubstr("tokenizer.json"));
    }
  }
  EXPECT_EQ(resolve_model("org/tiny", options_), second);
}

TEST_F(HubTest, ACutDownloadGoesOnWhereItStopped) {
  server_.set({{"cut", 100000}});
  const fs::path snapshot = download("org/tiny", 3);
  EXPECT_EQ(fs::file_size(snapshot / "model.safetensors"), 300000u);
  std::set<std::string> ranges;
  for (const HubServer::Request& request : server_.requests()) ranges.insert(request.range);
  EXPECT_THAT(ranges, testing::ElementsAre("", "bytes=100000-"));
}

TEST_F(HubTest, AnInterruptedDownloadIsTakenUpByTheNextOne) {
  for (const bool no_ranges : {false, true}) {
    fs::remove_all(options_.cache);
    server_.set({{"cut", 100000}, {"no_ranges", no_ranges}});
    EXPECT_THAT(error_of([&] { download("org/tiny", 1); }), HasSubstr("network: "));
    const fs::path repo = repository("models--org--tiny");
    const fs::path blob = repo / "blobs" / server_.etag("org/tiny", "model.safetensors");
    EXPECT_EQ(fs::file_size(blob.string() + ".incomplete"), 100000u);
    EXPECT_FALSE(fs::exists(repo / "refs"));
    server_.requests();
    resolve_model("org/tiny", options_);
    std::set<std::string> ranges;
    for (const HubServer::Request& request : server_.requests()) ranges.insert(request.range);
    EXPECT_TRUE(ranges.contains("bytes=100000-"));
    EXPECT_EQ(fs::file_size(blob), 300000u);
  }
}

TEST_F(HubTest, AStaleBeginningIsThrownAway) {
  const fs::path blob =
      repository("models--org--tiny") / "blobs" / server_.etag("org/tiny", "model.safetensors");
  for (const size_t size : {size_t{1000}, size_t{300000}, size_t{400000}}) {
    fs::remove_all(options_.cache);
    write(blob.string() + ".incomplete", std::string(size, 'x'));
    resolve_model("org/tiny", options_);
    EXPECT_EQ(fs::file_size(blob), 300000u);
    EXPECT_FALSE(fs::exists(blob.string() + ".incomplete"));
  }
}

TEST_F(HubTest, ACorruptDownloadIsRefusedAndRemoved) {
  server_.set({{"corrupt", true}});
  EXPECT_THAT(resolve_error("org/tiny"),
              AllOf(HasSubstr("corrupt: model 'org/tiny'"), HasSubstr("model.safetensors"),
                    HasSubstr("sha256"), HasSubstr("removed")));
  const fs::path repo = repository("models--org--tiny");
  EXPECT_FALSE(fs::exists(repo / "refs"));
  for (const std::string& file : files_below(repo)) {
    EXPECT_THAT(file, AllOf(Not(HasSubstr("incomplete")), Not(HasSubstr("model.safetensors"))));
  }
}

TEST_F(HubTest, TroubleThatPassesIsWaitedForButNotForever) {
  server_.set({{"fail", 2}});
  download("org/sharded", 3);
  server_.set({{"fail", 3}});
  EXPECT_THAT(error_of([&] { download("org/tiny", 3); }),
              AllOf(HasSubstr("network: "), HasSubstr("503")));
}

TEST_F(HubTest, ErrorsAreInWordsThatSayWhatToDo) {
  EXPECT_THAT(resolve_error("org/gated"),
              AllOf(HasSubstr("unauthorized: model 'org/gated'"), HasSubstr("gated"),
                    HasSubstr("HF_TOKEN"), HasSubstr("/org/gated")));
  EXPECT_THAT(resolve_error("org/disabled"),
              AllOf(HasSubstr("unauthorized: "), HasSubstr("disabled this model")));
  EXPECT_THAT(resolve_error("org/private"),
              AllOf(HasSubstr("not_found: "), HasSubstr("private"), HasSubstr("HF_TOKEN")));
  EXPECT_THAT(resolve_error("org/none"),
              AllOf(HasSubstr("not_found: model 'org/none'"), HasSubstr("no such model")));
  EXPECT_THAT(resolve_error("org/busy"),
              AllOf(HasSubstr("network: "), HasSubstr("too many"), HasSubstr("in 17 seconds")));
  EXPECT_THAT(resolve_error("org/onlyonnx"),
              AllOf(HasSubstr("unsupported: "), HasSubstr("no model.safetensors"),
                    HasSubstr("(onnx/model.onnx)"), HasSubstr("pytorch_model.bin")));
  EXPECT_THAT(resolve_error("org/nothing"),
              AllOf(HasSubstr("unsupported: model 'org/nothing'"), HasSubstr("no config.json")));
  EXPECT_THAT(resolve_error("org/hostile"), AllOf(HasSubstr("corrupt: "), HasSubstr("evil.json")));
  options_.revision = "v9";
  EXPECT_THAT(resolve_error("org/tiny"),
              AllOf(HasSubstr("not_found: "), HasSubstr("no revision \"v9\"")));
}

TEST_F(HubTest, AHubThatCannotBeReachedIsNamed) {
  options_.endpoint = "http://127.0.0.1:1";
  EXPECT_THAT(resolve_error("org/tiny"),
              AllOf(HasSubstr("network: "), HasSubstr("http://127.0.0.1:1"), HasSubstr("folder"),
                    HasSubstr("HF_HUB_OFFLINE")));
  options_.endpoint = "ftp://host";
  EXPECT_THAT(resolve_error("org/tiny"), HasSubstr("invalid_argument: "));
}

TEST_F(HubTest, TheTokenGoesToTheHubAlone) {
  options_.token = "hf_good";
  resolve_model("org/private", options_);
  bool cdn_asked = false;
  for (const HubServer::Request& request : server_.requests()) {
    EXPECT_EQ(request.token, request.host == "hub") << request.path;
    cdn_asked = cdn_asked || request.host == "cdn";
  }
  EXPECT_TRUE(cdn_asked);
  EXPECT_THAT(resolve_error("org/gated"),
              AllOf(HasSubstr("unauthorized: "), HasSubstr("accept its conditions"),
                    HasSubstr("is restricted")));
  EXPECT_THAT(resolve_error("org/none"), HasSubstr("not_found: "));
  options_.token = "hf_bad";
  EXPECT_THAT(resolve_error("org/tiny"),
              AllOf(HasSubstr("unauthorized: "), HasSubstr("not valid"), Not(HasSubstr("hf_bad"))));
  options_.token = "two\r\nlines";
  EXPECT_THAT(resolve_error("org/tiny"), HasSubstr("invalid_argument: "));
}

TEST_F(HubTest, ARenamedModelKeepsTheNameItWasAskedBy) {
  const fs::path snapshot = resolve_model("old-name", options_);
  EXPECT_EQ(snapshot.parent_path(), repository("models--old-name") / "snapshots");
}

TEST_F(HubTest, TwoProcessesShareOneDownload) {
  pid_t children[2];
  for (pid_t& child : children) {
    child = fork();
    if (child == 0) _exit(error_of([&] { resolve_model("org/tiny", options_); }) != "no error");
  }
  for (const pid_t child : children) {
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  std::multiset<std::string> fetched;
  for (const HubServer::Request& request : server_.requests()) {
    if (request.method == "GET" && request.host == "cdn") fetched.insert(request.path);
  }
  EXPECT_EQ(fetched.size(), 2u);  // each weight file once
  options_.offline = true;
  EXPECT_EQ(fs::file_size(resolve_model("org/tiny", options_) / "model.safetensors"), 300000u);
}

TEST_F(HubTest, ProgressNamesFilesAndCountsThem) {
  std::vector<DownloadProgress> seen;
  const auto progress = [&](const DownloadProgress& state) { seen.push_back(state); };
  resolve_model("org/tiny", options_, progress);
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back().file, "model.safetensors");
  EXPECT_EQ(seen.back().file_bytes, 300000);
  EXPECT_EQ(seen.back().file_size, 300000);
  EXPECT_EQ(seen.back().files_done, seen.back().files_total);
}

TEST_F(HubTest, WhatProgressThrowsEndsTheDownload) {
  struct Stop {};
  EXPECT_THROW(resolve_model("org/tiny", options_, [](const DownloadProgress&) { throw Stop(); }),
               Stop);
  resolve_model("org/tiny", options_);
}

TEST_F(HubTest, FoldersComeBeforeNames) {
  const std::string folder = root_ / "a model";
  fs::create_directories(folder);
  EXPECT_EQ(resolve_model(folder, options_), folder);
  EXPECT_EQ(pull_model(folder, options_), folder);
  write(root_ / "file.safetensors", "x");
  EXPECT_THAT(resolve_error(root_ / "file.safetensors"), HasSubstr("is a file"));
  for (const char* path : {"/no/such", "./no", "../no", "~/no", "."}) {
    if (fs::exists(path)) continue;
    EXPECT_THAT(resolve_error(path), AllOf(HasSubstr("not_found: "), HasSubstr("no such folder"),
                                           Not(HasSubstr("hub"))));
  }
  for (const char* name :
       {"a/b/c", "org/..", "org/a b", "a--b", "org/", "-a", "x.git", "a\\b", "org/caf\xc3\xa9"}) {
    EXPECT_THAT(resolve_error(name), AllOf(HasSubstr("not_found: "), HasSubstr("not a name")));
  }
  for (const char* path : {"org/tiny", "org/tiny/tree/main", "org/tiny?x", "tiny"}) {
    EXPECT_THAT(resolve_error(std::string("https://huggingface.co/") + path),
                HasSubstr(path[0] == 't' ? "give the model's name, tiny"
                                         : "give the model's name, org/tiny"));
  }
  for (const char* address : {"https://", "https://huggingface.co", "https://huggingface.co/"})
    EXPECT_THAT(resolve_error(address), HasSubstr("not a name"));
  EXPECT_THAT(resolve_error(""), HasSubstr("invalid_argument: "));
  EXPECT_THAT(server_.requests(), IsEmpty());
}

TEST_F(HubTest, AHostileModulesFileCannotLeadOutOfTheSnapshot) {
  const fs::path snapshot = resolve_model("org/tiny", options_);
  fs::remove(snapshot / "modules.json");
  write(snapshot / "modules.json", R"([{"type": "x.Dense", "path": "../../.."}])");
  EXPECT_THAT(resolve_error("org/tiny"), HasSubstr("corrupt: "));
}

TEST_F(HubTest, ACacheThatCannotBeWrittenIsNamed) {
  write(root_ / "hub", "a file where the cache should be");
  EXPECT_THAT(resolve_error("org/tiny"), AllOf(HasSubstr("io: "), HasSubstr("HF_HUB_CACHE")));
}

TEST(HubHttp, AMachineWithoutLibcurlIsToldWhatToInstall) {
  EXPECT_THAT(error_of([] { hub::HttpClient client({"libno-such.so.9"}); }),
              AllOf(HasSubstr("network: "), HasSubstr("libcurl"), HasSubstr("install")));
}

TEST(HubHttp, OriginsAreCompared) {
  EXPECT_EQ(hub::origin("HTTPS://Hub.example:443/a?b"), "https://hub.example");
  EXPECT_EQ(hub::origin("http://user@host:8080?x=http://other"), "http://host:8080");
  EXPECT_EQ(hub::origin("file:///etc/passwd"), "");
  EXPECT_EQ(hub::origin("http://"), "");
}

class HubEnvironment : public testing::Test {
 protected:
  HubEnvironment() {
    for (const char* name : {"HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE",
                             "XDG_CACHE_HOME", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN",
                             "HF_TOKEN_PATH", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}) {
      unsetenv(name);
    }
    setenv("HOME", "/users/ann", 1);
  }
};

TEST_F(HubEnvironment, Defaults) {
  const HubOptions options = HubOptions::from_environment();
  EXPECT_EQ(options.cache, "/users/ann/.cache/huggingface/hub");
  EXPECT_THAT(options.endpoint, testing::StartsWith("https://"));
  EXPECT_EQ(options.token, "");
  EXPECT_EQ(options.revision, "main");
  EXPECT_FALSE(options.offline);
}

TEST_F(HubEnvironment, TheNearerVariableWins) {
  const auto cache = [] { return HubOptions::from_environment().cache; };
  setenv("XDG_CACHE_HOME", "/xdg", 1);
  EXPECT_EQ(cache(), "/xdg/huggingface/hub");
  setenv("HF_HOME", "~/hf", 1);
  EXPECT_EQ(cache(), "/users/ann/hf/hub");
  setenv("HUGGINGFACE_HUB_CACHE", "/old", 1);
  EXPECT_EQ(cache(), "/old");
  setenv("HF_HUB_CACHE", "/new", 1);
  EXPECT_EQ(cache(), "/new");
  setenv("HF_ENDPOINT", "http://mirror/", 1);
  EXPECT_EQ(HubOptions::from_environment().endpoint, "http://mirror");
}

TEST_F(HubEnvironment, OfflineTakesTheUsualWords) {
  for (const char* yes : {"1", "true", "YES", "On"}) {
    setenv("HF_HUB_OFFLINE", yes, 1);
    EXPECT_TRUE(HubOptions::from_environment().offline) << yes;
  }
  for (const char* no : {"0", "false", "", "off"}) {
    setenv("HF_HUB_OFFLINE", no, 1);
    EXPECT_FALSE(HubOptions::from_environment().offline) << no;
  }
}

TEST_F(HubEnvironment, TokensComeFromVariablesThenFiles) {
  const fs::path home = fs::temp_directory_path() / ("vecton-token-" + std::to_string(getpid()));
  const auto token = [] { return HubOptions::from_environment().token; };
  setenv("HF_HOME", home.c_str(), 1);
  EXPECT_EQ(token(), "");
  write(home / "token", "hf_file\n");
  EXPECT_EQ(token(), "hf_file");
  write(home / "other", " hf_other ");
  setenv("HF_TOKEN_PATH", (home / "other").c_str(), 1);
  EXPECT_EQ(token(), "hf_other");
  setenv("HUGGING_FACE_HUB_TOKEN", "hf_old", 1);
  EXPECT_EQ(token(), "hf_old");
  setenv("HF_TOKEN", "hf_new\n", 1);
  EXPECT_EQ(token(), "hf_new");
  fs::remove_all(home);
}

}  // namespace
}  // namespace vecton
