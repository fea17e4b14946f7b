// Folders are uploaded to a hub in small, which checks every step of the protocol.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/temporary_folder.h"
#include "checkpoint/digest.h"
#include "checkpoint/hub_upload.h"
#include "hub_server.h"
#include "vecton/error.h"

namespace vecton::hub {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

std::string sha256(const std::string& bytes) {
  Digest digest(EVP_sha256());
  digest.add(bytes.data(), bytes.size());
  return digest.hex();
}

class Upload : public testing::Test {
 protected:
  Upload() {
    options_.endpoint = server_.endpoint() + "/";
    options_.token = "hf_good";
    options_.offline = false;
    for (size_t i = 0; i < weights_.size(); ++i) weights_[i] = static_cast<char>(i * i % 251);
    folder_.write("m/model.safetensors", weights_);
    folder_.write("m/config.json", "{\"a\": 1}");
    folder_.write("m/1_Pooling/config.json", "{}");
    folder_.write("m/empty.safetensors", "");
    folder_.write("m/some.log", "not wanted");
    folder_.write("m/.cache/hidden", "x");
  }

  UploadReport upload(const std::string& name) {
    return upload_folder(folder_.path() / "m", name, options_, {3, std::chrono::milliseconds(0)},
                         [this](int64_t done, int64_t total) { seen_.emplace_back(done, total); });
  }
  std::string refusal(const std::string& name) {
    try {
      upload(name);
    } catch (const Error& error) {
      return std::string(to_string(error.code())) + ": " + error.what();
    }
    return "nothing was refused";
  }
  // Objects, or parts of them, that were sent since the last call.
  int64_t sent() {
    const std::vector<HubServer::Request> requests = server_.requests();
    return std::ranges::count(requests, "PUT", &HubServer::Request::method);
  }
  void expect_whole(const std::string& name) {
    const json::object pushed = server_.pushed();
    const json::object& files = pushed.at(name).at("files").as_object();
    std::set<std::string> names;
    for (const auto& [path, facts] : files) names.insert(std::string(path));
    EXPECT_THAT(names, testing::ElementsAre("1_Pooling/config.json", "config.json",
                                            "empty.safetensors", "model.safetensors"));
    EXPECT_EQ(
        files.at("model.safetensors"),
        (json::object{{"size", weights_.size()}, {"sha256", sha256(weights_)}, {"large", true}}));
    EXPECT_EQ(files.at("config.json").at("sha256").as_string(), sha256("{\"a\": 1}"));
    EXPECT_EQ(files.at("empty.safetensors").at("large"), false);
  }

  HubServer server_;
  base::TemporaryFolder folder_;
  HubOptions options_ = {};
  std::string weights_ = std::string(300000, '\0');
  std::vector<std::pair<int64_t, int64_t>> seen_;
};

TEST_F(Upload, AFolderIsOneCommit) {
  const UploadReport report = upload("me/new");
  EXPECT_EQ(report.commit.size(), 40u);
  EXPECT_EQ(report.url, "https://hub.example/me/new/commit/" + report.commit);
  expect_whole("me/new");
  ASSERT_FALSE(seen_.empty());
  EXPECT_EQ(seen_.back().second, 300000);
  for (const HubServer::Request& request : server_.requests())
    EXPECT_EQ(request.token, request.host == "hub") << request.path;
}

TEST_F(Upload, ANameWithoutAnOrganisationIsTheUsersOwn) {
  EXPECT_THAT(upload("alone").url, HasSubstr("/me/alone/"));
  expect_whole("me/alone");
}

TEST_F(Upload, LargeObjectsGoInParts) {
  server_.set({{"part", 70000}});
  upload("me/parts");
  expect_whole("me/parts");
  EXPECT_EQ(sent(), 5);
  EXPECT_EQ(seen_.back(), std::pair(int64_t{300000}, int64_t{300000}));
}

TEST_F(Upload, WhatTheHubHasIsNotSentAgain) {
  upload("me/there");  // which was made before
  EXPECT_EQ(sent(), 1);
  upload("me/again");
  EXPECT_EQ(sent(), 0);
  expect_whole("me/again");
  EXPECT_EQ(seen_.back(), std::pair(int64_t{300000}, int64_t{300000}));
}

TEST_F(Upload, EqualFilesAreOneObject) {
  folder_.write("m/copy.safetensors", weights_);
  upload("me/twice");
  EXPECT_EQ(sent(), 1);
  EXPECT_TRUE(server_.pushed().at("me/twice").at("files").as_object().contains("copy.safetensors"));
}

TEST_F(Upload, RequestsThatFailInPassingAreMadeAgain) {
  server_.set({{"fail", 2}});
  upload("me/busy");
  expect_whole("me/busy");
  server_.set({{"fail", 9}});
  EXPECT_THAT(refusal("me/busy"), AllOf(HasSubstr("network: "), HasSubstr("503")));
}

TEST_F(Upload, RefusalsSayWhatToDo) {
  for (const char* call : {"create", "preupload", "batch", "put", "verify", "commit"}) {
    // Weights of its own each time: a slow request of the time before may still store them.
    weights_[0] = static_cast<char>(weights_[0] + 1);
    folder_.write("m/model.safetensors", weights_);
    server_.set({{"deny", call}});
    EXPECT_THAT(refusal(std::string("me/deny-") + call),
                AllOf(HasSubstr("unauthorized: "), HasSubstr("may not write"),
                      HasSubstr("The hub says: you may not")))
        << call;
  }
  // One who may not make a model may write to it where it is there.
  server_.set({{"deny", "create"}});
  upload("me/there");
  expect_whole("me/there");
  server_.set({{"deny", ""}, {"lfs_error", true}});
  weights_[0] = 'x';
  folder_.write("m/model.safetensors", weights_);
  EXPECT_THAT(refusal("me/there"),
              AllOf(HasSubstr("\"model.safetensors\""), HasSubstr("You have no room left")));
  server_.set({{"lfs_error", false}, {"part", 1000}, {"no_etag", true}});
  EXPECT_THAT(refusal("me/there"), HasSubstr("has no ETag"));
  options_.token = "hf_bad";
  EXPECT_THAT(refusal("me/there"), HasSubstr("the token (HF_TOKEN) is not valid"));
}

TEST_F(Upload, IsRefusedBeforeAnythingIsSent) {
  EXPECT_THAT(refusal("a/b/c"), AllOf(HasSubstr("invalid_argument"), HasSubstr("--upload-repo")));
  options_.offline = true;
  EXPECT_THAT(refusal("me/x"), HasSubstr("HF_HUB_OFFLINE"));
  options_.offline = false;
  options_.token = "";
  EXPECT_THAT(refusal("me/x"), AllOf(HasSubstr("unauthorized"), HasSubstr("HF_TOKEN")));
  options_.token = "hf_good";
  options_.endpoint = "ftp://x";
  EXPECT_THAT(refusal("me/x"), HasSubstr("HF_ENDPOINT"));
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(Upload, AnAddressThatIsNoHubIsSaidToBeNone) {
  options_.endpoint = "http://127.0.0.1:1";
  EXPECT_THAT(refusal("me/x"), AllOf(HasSubstr("network: "), HasSubstr("cannot be uploaded")));
}

}  // namespace
}  // namespace vecton::hub
