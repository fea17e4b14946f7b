#include "checkpoint/hub_connection.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "checkpoint/name_text.h"
#include "vecton/error.h"

namespace vecton::hub {

namespace {

constexpr int kMaxRedirects = 10;

}  // namespace

std::string encoded(std::string_view text, std::string_view kept) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~' || kept.find(c) != kept.npos;
    const auto byte = static_cast<unsigned char>(c);
    if (plain) {
      result += c;
    } else {
      result += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return result;
}

bool is_redirect(long status) { return status >= 300 && status < 400; }
bool is_passing(long status) {
  return status == 408 || status == 500 || (status >= 502 && status <= 504);
}

std::string reason(const HttpResponse& response) {
  constexpr size_t kMost = 300;
  std::string text = response.header("x-error-message").substr(0, kMost);
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20; }, ' ');
  return text.empty() ? "" : ". The hub says: " + text;
}

void RetryPolicy::wait_after(int failed_attempts) const {
  auto delay = first_delay;
  for (int i = 1; i < failed_attempts; ++i) delay *= 4;
  std::this_thread::sleep_for(delay);
}

HubConnection::HubConnection(const HubOptions& options, RetryPolicy retry)
    : options_(options), retry_(retry) {
  if (origin(options_.endpoint).empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "HF_ENDPOINT: expected an http or https address, found " +
                    checkpoint::quoted_text(options_.endpoint),
                "endpoint");
  }
  const auto control = [](unsigned char c) { return c <= 0x20 || c >= 0x7f; };
  if (std::any_of(options_.token.begin(), options_.token.end(), control)) {
    throw Error(ErrorCode::kInvalidArgument,
                "HF_TOKEN: the token holds a character that no token has", "token");
  }
}

HttpResponse HubConnection::send(HttpRequest request) {
  const std::string hub = origin(options_.endpoint);
  const std::vector<std::string> headers = request.headers;
  for (int hop = 0; hop <= kMaxRedirects; ++hop) {
    const std::string host = origin(request.url);
    if (host.empty() || (hub.starts_with("https:") && !host.starts_with("https:"))) {
      throw HttpFailure(
          "the hub points to " + checkpoint::quoted_text(request.url) + ", which is not https",
          false);
    }
    request.headers = headers;
    // The token is for the hub alone, not for the hosts that keep its large files.
    if (host == hub && !options_.token.empty()) {
      request.headers.push_back("Authorization: Bearer " + options_.token);
    }
    HttpResponse response = http_.send(request);
    if (!is_redirect(response.status) || response.location.empty()) return response;
    // Facts about a file come from the hub, before it points elsewhere.
    if (request.head && origin(response.location) != hub) return response;
    request.url = response.location;
  }
  throw HttpFailure("more than " + std::to_string(kMaxRedirects) + " redirections", false);
}

HttpResponse HubConnection::send_with_retry(
    const HttpRequest& request, const std::function<void(const HttpFailure&, int)>& give_up) {
  for (int attempt = 1;; ++attempt) {
    try {
      HttpResponse response = send(request);
      if (!is_passing(response.status) || attempt >= retry_.attempts) return response;
    } catch (const HttpFailure& failure) {
      if (!failure.transient() || attempt >= retry_.attempts) {
        give_up(failure, attempt);
        throw;
      }
    }
    retry_.wait_after(attempt);
  }
}

}  // namespace vecton::hub
