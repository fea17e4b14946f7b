#include "media/source.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <thread>

#include "base/base64.h"
#include "base/temporary_folder.h"
#include "vecton/error.h"

namespace vecton::media {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view source, const SourceOptions& options = {}) {
  try {
    read_source(source, options, "images[0]");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Source, ReadsDataUris) {
  const std::string bytes("\0\xffpicture", 9);
  const std::string text = base::encode_base64(bytes);
  EXPECT_EQ(read_source("data:image/png;base64," + text, {}, "it"), bytes);
  EXPECT_EQ(read_source("DATA:;Base64," + text, {}, "it"), bytes);
}

TEST(Source, RefusesOtherDataUris) {
  EXPECT_THAT(refusal("data:image/png,abc"), HasSubstr("images[0]: a data: URI has to be"));
  EXPECT_THAT(refusal("data:image/png;base64"), HasSubstr("has to be"));
  EXPECT_THAT(refusal("data:image/png;base64,%%%"), HasSubstr("is not base64"));
  EXPECT_THAT(refusal("data:;base64,AAAAAAAA", {.max_bytes = 5}), HasSubstr("more than 5 bytes"));
  EXPECT_EQ(refusal("data:;base64,AAAAAAAA", {.max_bytes = 6}), "");
}

TEST(Source, ReadsFilesWhereItMay) {
  const base::TemporaryFolder folder;
  const std::string path = (folder.path() / "picture").string();
  std::ofstream(path) << "bytes";
  EXPECT_EQ(read_source(path, {}, "it"), "bytes");
  EXPECT_EQ(read_source("file://" + path, {}, "it"), "bytes");
  EXPECT_THAT(refusal(path, {.allowed_path = ""}), HasSubstr("files are not read here"));
  EXPECT_THAT(refusal("file://" + path, {.allowed_path = ""}), HasSubstr("allowed-local-media"));
  EXPECT_THAT(refusal(path, {.max_bytes = 4}), HasSubstr("more than 4 bytes"));
  EXPECT_THAT(refusal(path + "2"), HasSubstr("there is no file"));
  EXPECT_THAT(refusal(folder.path().string()), HasSubstr("there is no file"));
}

TEST(Source, ReadsFilesOfOneFolder) {
  const base::TemporaryFolder folder, other;
  const std::filesystem::path inner = folder.path() / "inner";
  std::filesystem::create_directories(inner / "deep");
  std::ofstream(inner / "deep" / "a b") << "bytes";
  std::ofstream(folder.path() / "secret") << "secret";
  std::filesystem::create_directories(folder.path() / "inner2");
  std::ofstream(folder.path() / "inner2" / "near") << "secret";
  std::filesystem::create_symlink(folder.path() / "secret", inner / "link");
  std::filesystem::create_symlink(folder.path(), inner / "up");
  std::filesystem::create_symlink(inner, other.path() / "to");
  const std::string root = inner.string();
  const SourceOptions inside{.allowed_path = inner};
  for (const char* good : {"/deep/a%20b", "/deep/../deep/a%20b", "/up/inner/deep/a%20b"})
    EXPECT_EQ(read_source("file://" + root + good, inside, "it"), "bytes") << good;
  EXPECT_EQ(read_source(root + "/deep/a b", inside, "it"), "bytes");
  // The folder may be named by a symlink, and with a slash.
  for (const char* spelling : {"to", "to/"})
    EXPECT_EQ(read_source(root + "/deep/a b", {.allowed_path = other.path() / spelling}, "it"),
              "bytes");
  for (const char* bad : {"/link", "/up/secret", "/../secret", "/%2e%2e/secret",
                          "/deep/../../secret", "/../none", "2/near", "/../inner2/near"})
    EXPECT_THAT(refusal("file://" + root + bad, inside), HasSubstr("is not in the folder")) << bad;
  EXPECT_THAT(refusal("file:///etc/passwd", inside), HasSubstr("is not in the folder"));
  EXPECT_THAT(refusal("file://" + root + "/none", inside), HasSubstr("there is no file"));
  EXPECT_THAT(refusal("file://" + root + "/deep/a%20b%00", inside), HasSubstr("there is no file"));
}

TEST(Source, HostsAreThoseThatEveryReaderSees) {
  EXPECT_EQ(host_of("https://Images.Example.org:8443/a.png?x#y"), "images.example.org");
  EXPECT_EQ(host_of("http://[::1]:80/"), "::1");
  for (const char* url :
       {"ftp://example.org/", "example.org", "http://a@example.org/", "http://a:b@example.org/",
        "http://example.org\\@other/", "http://exam ple.org/", "http://ex\tample.org/",
        "http://exämple.org/", "http://ex%61mple.org/", "http:///a", "http://[::1/"})
    EXPECT_EQ(host_of(url), "") << url;
}

bool is_public(const char* text) {
  sockaddr_storage storage{};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
    v4->sin_family = AF_INET;
  else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
    v6->sin6_family = AF_INET6;
  return is_public_address(reinterpret_cast<const sockaddr&>(storage));
}

TEST(Source, TellsPublicAddresses) {
  for (const char* text : {"8.8.8.8", "1.1.1.1", "172.32.0.1", "100.63.0.1", "223.255.255.1",
                           "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"})
    EXPECT_TRUE(is_public(text)) << text;
  for (const char* text : {"0.0.0.0",
                           "10.1.2.3",
                           "100.64.0.1",
                           "127.0.0.1",
                           "127.9.9.9",
                           "169.254.169.254",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.168.1.1",
                           "198.19.0.1",
                           "224.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "fe80::1",
                           "fc00::1",
                           "fd12::1",
                           "ff02::1",
                           "::ffff:127.0.0.1",
                           "::ffff:10.0.0.1",
                           "64:ff9b::10.0.0.1",
                           "2002:7f00:1::",
                           "2001:db8::1",
                           "::127.0.0.1"})
    EXPECT_FALSE(is_public(text)) << text;
}

// Answers each connection with the next of these texts.
class Host {
 public:
  explicit Host(std::vector<std::string> answers) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/picture";
    thread_ = std::thread([this, answers = std::move(answers)] {
      for (const std::string& answer : answers) {
        const int peer = accept(listener_, nullptr, nullptr);
        if (peer < 0) return;
        char request[4096];
        if (answer.empty()) {
          while (recv(peer, request, sizeof request, 0) > 0) {
          }
        } else if (recv(peer, request, sizeof request, 0) > 0) {
          send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
        }
        close(peer);
      }
    });
  }
  ~Host() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  const std::string& url() const { return url_; }

 private:
  int listener_ = -1;
  std::string url_;
  std::thread thread_;
};

std::string answer(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status +
         "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

TEST(Source, FetchesFromHostsThatAreNamed) {
  const Host host({answer("200 OK", "bytes")});
  EXPECT_EQ(read_source(host.url(), {.allowed_domains = {"127.0.0.1"}}, "it"), "bytes");
}

TEST(Source, FetchesNothingElse) {
  const Host host({});
  EXPECT_THAT(refusal(host.url()), HasSubstr("are not fetched from the web here"));
  EXPECT_THAT(refusal(host.url(), {.allowed_domains = {"example.org"}}),
              HasSubstr("(--allowed-media-domains) does not have it"));
  EXPECT_THAT(refusal(host.url(), {.allowed_domains = {"*"}}),
              HasSubstr("is in a private network"));
  EXPECT_THAT(refusal("http://localhost:1/", {.allowed_domains = {"*"}}),
              HasSubstr("is in a private network"));
  EXPECT_THAT(refusal("http://a@127.0.0.1/", {.allowed_domains = {"127.0.0.1"}}),
              HasSubstr("without a user"));
}

TEST(Source, FollowsRedirectsInsideTheList) {
  const Host end({answer("200 OK", "bytes")});
  const Host begin({answer("302 Found\r\nLocation: " + end.url(), "")});
  EXPECT_EQ(read_source(begin.url(), {.allowed_domains = {"127.0.0.1"}}, "it"), "bytes");
  const Host out({answer("302 Found\r\nLocation: http://localhost:1/", "")});
  EXPECT_THAT(refusal(out.url(), {.allowed_domains = {"127.0.0.1"}}), HasSubstr("\"localhost\""));
  const Host other({answer("302 Found\r\nLocation: file:///etc/passwd", "")});
  EXPECT_THAT(refusal(other.url(), {.allowed_domains = {"127.0.0.1"}}),
              HasSubstr("is no http or https URL"));
}

TEST(Source, BoundsAnswers) {
  const Host host({answer("200 OK", "123456"), answer("404 Not Found", "no"), ""});
  const std::vector<std::string> domains{"127.0.0.1"};
  EXPECT_THAT(refusal(host.url(), {.allowed_domains = domains, .max_bytes = 5}),
              HasSubstr("more than 5 bytes"));
  EXPECT_THAT(refusal(host.url(), {.allowed_domains = domains}), HasSubstr("status 404"));
  EXPECT_THAT(
      refusal(host.url(), {.allowed_domains = domains, .timeout = std::chrono::milliseconds(100)}),
      HasSubstr("can't be fetched"));
}

}  // namespace
}  // namespace vecton::media
