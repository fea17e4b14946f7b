#include "server/headers.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "base/ascii.h"
#include "base/percent.h"
#include "server/routes.h"

namespace vecton::server {

namespace {

std::string milliseconds(double seconds) {
  return std::to_string(static_cast<int64_t>(seconds * 1e3 + 0.5));
}

bool allows_any(const std::vector<std::string>& allowed) {
  return std::find(allowed.begin(), allowed.end(), "*") != allowed.end();
}

bool is_allowed(const std::string& origin, const std::vector<std::string>& allowed) {
  if (origin.empty()) return false;
  return allows_any(allowed) || std::find(allowed.begin(), allowed.end(), origin) != allowed.end();
}

// The names in "x-a, x-b" that a header may have; others are left out.
std::vector<std::string> header_names(std::string_view list) {
  std::vector<std::string> names(1);
  for (const char c : list) {
    if (c == ',') {
      names.emplace_back();
    } else if (c != ' ' && c != '\t') {
      names.back() += c;
    }
  }
  const auto is_name = [](const std::string& name) {
    return std::all_of(name.begin(), name.end(), [](unsigned char c) {
      return std::isalnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) !=
                                    std::string_view::npos;
    });
  };
  std::erase_if(names, [&](const std::string& name) { return name.empty() || !is_name(name); });
  return names;
}

// What stands before `separator`, which is taken off `rest` as well.
std::string_view next(std::string_view& rest, char separator) {
  const size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return base::trimmed(part, " \t");
}

}  // namespace

std::optional<double> quality(std::string_view accept, std::string_view type) {
  while (!accept.empty()) {
    std::string_view range = next(accept, ',');
    if (base::ascii_lower(next(range, ';')) != type) continue;
    while (!range.empty()) {
      const std::string parameter = base::ascii_lower(next(range, ';'));
      if (parameter.starts_with("q=")) return std::strtod(parameter.c_str() + 2, nullptr);
    }
    return 1;
  }
  return {};
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  const auto decoded = [](std::string_view part) {
    std::string text(part);
    for (char& c : text) c = c == '+' ? ' ' : c;
    return base::percent_decoded(text);
  };
  while (!query.empty()) {
    std::string_view value = next(query, '&');
    if (decoded(next(value, '=')) == name) return decoded(value);
  }
  return {};
}

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
    tokens += result.usage.prompt_tokens;
    truncated += result.usage.truncated;
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

void add_warnings(HttpResponse& response, std::span<const std::string> warnings) {
  std::string value;
  for (const std::string& warning : warnings) {
    value += value.empty() ? "299 vecton \"" : ", 299 vecton \"";
    for (const char c : warning) {
      if (c == '"' || c == '\\') value += '\\';
      value += c >= 0x20 && c < 0x7f ? c : '?';
    }
    value += '"';
  }
  if (!value.empty()) response.headers.emplace_back("Warning", std::move(value));
}

HttpResponse preflight(const std::string& path, const std::string& origin,
                       const std::string& asked_headers, const std::vector<std::string>& allowed) {
  HttpResponse response{.status = 204};
  const auto add = [&](const char* name, std::string value) {
    response.headers.emplace_back(name, std::move(value));
  };
  const std::string methods = allowed_methods(path);
  std::string headers = "Authorization, Content-Type, X-Request-Id";
  if (is_allowed(origin, allowed)) {
    for (const std::string& name : header_names(asked_headers)) headers += ", " + name;
  }
  add("Access-Control-Allow-Methods", methods.empty() ? "GET, POST" : methods);
  add("Access-Control-Allow-Headers", std::move(headers));
  add("Access-Control-Max-Age", "600");
  add("Allow", methods.empty() ? "OPTIONS" : methods + ", OPTIONS");
  add("Vary", "Access-Control-Request-Headers");
  return response;
}

void add_origin(HttpResponse& response, const std::string& origin,
                const std::vector<std::string>& allowed) {
  const bool any = allows_any(allowed);
  if (is_allowed(origin, allowed)) {
    response.headers.emplace_back("Access-Control-Allow-Origin", any ? "*" : origin);
    response.headers.emplace_back(
        "Access-Control-Expose-Headers",
        "X-Request-Id, x-truncated-inputs, x-compute-tokens, metadata, Retry-After, Warning");
  }
  if (any || allowed.empty()) return;
  const auto vary = std::find_if(response.headers.begin(), response.headers.end(),
                                 [](const auto& header) { return header.first == "Vary"; });
  if (vary == response.headers.end()) {
    response.headers.emplace_back("Vary", "Origin");
  } else {
    vary->second += ", Origin";
  }
}

}  // namespace vecton::server
