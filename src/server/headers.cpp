#include "server/headers.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <utility>

#include "server/routes.h"

namespace vecton::server {

namespace {

std::string milliseconds(double seconds) {
  return std::to_string(static_cast<int64_t>(seconds * 1e3 + 0.5));
}

}  // namespace

bool is_json_type(std::string_view type, bool may_be_missing) {
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  if (type.empty()) return may_be_missing;
  std::string lower(type);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return lower == kJsonType || (lower.starts_with("application/") && lower.ends_with("+json"));
}

void add_timings(HttpResponse& response, std::span<const Result> results, double total,
                 int64_t chars) {
  Timings mean;
  int64_t tokens = 0, truncated = 0;
  for (const Result& result : results) {
    mean.tokenization += result.timings.tokenization / static_cast<double>(results.size());
    mean.queue += result.timings.queue / static_cast<double>(results.size());
    mean.inference += result.timings.inference / static_cast<double>(results.size());
    tokens += result.prompt_tokens;
    truncated += result.truncated;
  }
  const auto add = [&](const char* name, std::string value) {
    response.headers.emplace_back(name, std::move(value));
  };
  add("x-compute-time", milliseconds(total));
  add("x-compute-characters", std::to_string(chars));
  add("x-compute-tokens", std::to_string(tokens));
  add("x-total-time", milliseconds(total));
  add("x-tokenization-time", milliseconds(mean.tokenization));
  add("x-queue-time", milliseconds(mean.queue));
  add("x-inference-time", milliseconds(mean.inference));
  add("x-truncated-inputs", std::to_string(truncated));
}

HttpResponse preflight(const std::string& path) {
  HttpResponse response{.status = 204};
  const std::string methods = allowed_methods(path);
  response.headers.emplace_back("Access-Control-Allow-Methods",
                                methods.empty() ? "GET, POST" : methods);
  response.headers.emplace_back("Access-Control-Allow-Headers",
                                "Authorization, Content-Type, X-Request-Id");
  response.headers.emplace_back("Access-Control-Max-Age", "600");
  response.headers.emplace_back("Allow", methods.empty() ? "OPTIONS" : methods + ", OPTIONS");
  return response;
}

void add_origin(HttpResponse& response, const std::string& origin,
                const std::vector<std::string>& allowed) {
  if (origin.empty()) return;
  const bool any = std::find(allowed.begin(), allowed.end(), "*") != allowed.end();
  if (!any && std::find(allowed.begin(), allowed.end(), origin) == allowed.end()) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", any ? "*" : origin);
  response.headers.emplace_back("Access-Control-Expose-Headers",
                                "X-Request-Id, x-truncated-inputs, metadata, Retry-After");
  if (!any) response.headers.emplace_back("Vary", "Origin");
}

}  // namespace vecton::server
