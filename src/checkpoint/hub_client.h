// The model hub's protocol: what a repository holds, facts about a file, its bytes. Used by the
// downloader; for one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/hub_http.h"
#include "vecton/options.h"

namespace vecton::hub {

// How often a request that failed in passing is made again, and how long is waited: `first_delay`,
// then four times as long.
struct RetryPolicy {
  int attempts = 5;
  std::chrono::milliseconds first_delay{250};

  void wait_after(int failed_attempts) const;
};

struct RepositoryList {
  std::string commit;
  std::vector<std::string> files;  // names checked: none leads out of the repository
};

struct FileFacts {
  std::string etag;   // without quotes, checked to be a plain file name
  int64_t size = -1;  // -1 = unknown
};

class HubClient {
 public:
  // `name` is a model's name that is_model_name() accepts.
  HubClient(const HubOptions& options, std::string name, RetryPolicy retry);

  const RetryPolicy& retry() const { return retry_; }

  // Errors of all three: Error in words for the user (kNotFound, kUnauthorized, kNetwork).
  RepositoryList list();
  FileFacts facts(const std::string& commit, const std::string& file);
  // One attempt to get the bytes from `offset` on. `sink` gets the position of each piece too: a
  // server may begin at 0 again. Throws HttpFailure as well.
  void get(const std::string& commit, const std::string& file, int64_t offset,
           const std::function<void(int64_t, std::string_view)>& sink);

  // The error for a request that kept failing.
  [[noreturn]] void throw_network(const HttpFailure& failure, int attempts) const;

 private:
  HttpResponse send(HttpRequest request);
  HttpResponse send_with_retry(const HttpRequest& request);
  std::string file_url(const std::string& commit, const std::string& file) const;
  [[noreturn]] void throw_refused(const HttpResponse& response, const std::string& file) const;

  HubOptions options_;
  std::string name_;
  RetryPolicy retry_;
  HttpClient http_;
};

}  // namespace vecton::hub
