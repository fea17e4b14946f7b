// http_post(): sends one JSON document to an address that an operator has given.
#pragma once

#include <chrono>
#include <string>

namespace vecton::server {

struct HttpAddress {
  bool encrypted = false;
  std::string host, port, path;

  // "http://host:4318/v1/traces"; without a path `path` is it. Throws Error (kInvalidArgument) that
  // names `option`.
  static HttpAddress parse(const std::string& url, const std::string& path, const char* option);
};

// The status of the answer; the certificate of an encrypted address has to be one that the system
// trusts. Waits `timeout` at most. Throws Error (kNetwork).
int http_post(const HttpAddress& address, const std::string& json,
              std::chrono::milliseconds timeout);

}  // namespace vecton::server
