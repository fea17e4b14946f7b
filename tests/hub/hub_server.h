// HubServer: hub_server.py as a child process, for the length of a test.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>
#include <vector>

#include "base/json.h"

namespace vecton {

class HubServer {
 public:
  struct Request {
    std::string method, path, host, range;
    bool token = false;
  };

  HubServer();
  ~HubServer();
  HubServer(const HubServer&) = delete;
  HubServer& operator=(const HubServer&) = delete;

  const std::string& endpoint() const { return endpoint_; }
  // As the hub names it.
  std::string etag(const std::string& model, const std::string& file) const;

  // The requests since the last call.
  std::vector<Request> requests();
  // What was uploaded: {repository: {"summary", "files": {path: {"size", "sha256", "large"}}}}.
  json::object pushed() { return ask({{"do", "pushed"}}).as_object(); }
  // Faults, as hub_server.py describes them.
  void set(json::object faults);

 private:
  json::value ask(const json::object& command);
  std::string read_line();

  pid_t process_ = -1;
  FILE* to_ = nullptr;
  FILE* from_ = nullptr;
  std::string endpoint_;
  json::value files_;
};

}  // namespace vecton
