// HTTP requests through libcurl, which is loaded when the first request is made: the program runs
// without it where no network is needed. Used by the hub client; one HttpClient is for one thread.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace vecton::hub {

struct HttpResponse {
  long status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // when no `on_body` took it; at most kMaxBody bytes
  std::string location;                        // where a 3xx answer points, as a whole URL

  std::string header(const std::string& name) const;  // empty when absent
};

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  bool head = false;
  // "POST" or "PUT", with `body`, which must outlive the request; empty = GET, or HEAD.
  std::string method{};
  std::string_view body{};
  // Takes how many bytes of the body are sent. What it throws ends the request like on_body's.
  std::function<void(int64_t)> on_sent{};
  // Takes the body of a 200 or 206 answer in pieces. What it throws ends the request and comes out
  // of send().
  std::function<void(const HttpResponse&, std::string_view)> on_body;
  // Asked for every address that a name stands for, before it is connected to; no proxy is used
  // then, which would look the name up again. Null = any.
  std::function<bool(const sockaddr&)> allow_address{};
  std::chrono::milliseconds timeout{0};  // of all of it; 0 = as long as bytes come
};

// A request that got no whole answer.
class HttpFailure : public std::runtime_error {
 public:
  HttpFailure(const std::string& message, bool transient)
      : std::runtime_error(message), transient_(transient) {}
  // Asking again may help: a connection that broke or stalled. A host that cannot be found or
  // reached is not.
  bool transient() const { return transient_; }

 private:
  bool transient_;
};

class HttpClient {
 public:
  static constexpr size_t kMaxBody = 64 << 20;  // far above the longest list of files

  // Errors: kNetwork when none of `libraries` can be loaded, naming the package to install.
  HttpClient();
  explicit HttpClient(const std::vector<std::string>& libraries);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // One request, redirects not followed. Connections are kept for the next one. Proxies and
  // certificates are libcurl's. Errors: HttpFailure.
  HttpResponse send(const HttpRequest& request);

 private:
  struct Transfer;
  struct Curl;
  std::unique_ptr<Curl> curl_;
};

// "https://host:port" of a URL, in lower case; empty when it is not http or https.
std::string origin(std::string_view url);

}  // namespace vecton::hub
