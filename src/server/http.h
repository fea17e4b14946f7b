// A request and its answer as plain values: what the dialects see of HTTP. No sockets, no Beast.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vecton::server {

class ByteStream;

struct HttpRequest {
  std::string method;  // "POST"
  std::string path;    // without the query, percent-decoded
  std::string body;
  std::string peer;  // address of the client, for the log
  // The headers that matter, empty when absent.
  std::string authorization, content_type, content_encoding, origin, request_id;
  std::string traceparent;    // where traces are sent
  std::string key_name;       // of its API key, once that is known
  std::string asked_headers;  // Access-Control-Request-Headers of a preflight
  std::string accept{}, if_none_match{};
  std::string query{};  // of the target, behind the '?', as it came
};

struct HttpResponse {
  int status = 200;
  std::string content_type;  // empty = no body
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers{};
  // Instead of `body`: what is still being made, and what is sent while nothing comes of it.
  std::shared_ptr<ByteStream> stream{};
  std::string keep_alive{};
};

inline constexpr std::string_view kJsonType = "application/json";

}  // namespace vecton::server
