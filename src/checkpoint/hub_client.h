// The model hub's protocol: what a repository holds, facts about a file, its bytes. Used by the
// downloader; for one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/hub_connection.h"
#include "vecton/options.h"

namespace vecton::hub {

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

  const RetryPolicy& retry() const { return hub_.retry(); }

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
  HttpResponse send(const HttpRequest& request);
  std::string file_url(const std::string& commit, const std::string& file) const;
  [[noreturn]] void throw_refused(const HttpResponse& response, const std::string& file) const;

  HubConnection hub_;
  std::string name_;
};

}  // namespace vecton::hub
