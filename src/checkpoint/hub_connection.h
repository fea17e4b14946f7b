// Requests to the model hub: with the token, redirected, made again where they failed in passing.
// Used by the clients that download and upload; for one thread.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

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

// Percent-encoding of all but unreserved characters and those in `kept`.
std::string encoded(std::string_view text, std::string_view kept = "");
bool is_redirect(long status);
// Whether asking again may help.
bool is_passing(long status);
// ". The hub says: ..." with its own words, or an empty text.
std::string reason(const HttpResponse& response);

class HubConnection {
 public:
  // Errors (kInvalidArgument): HF_ENDPOINT is no address, the token no token.
  HubConnection(const HubOptions& options, RetryPolicy retry);

  const HubOptions& options() const { return options_; }
  const RetryPolicy& retry() const { return retry_; }

  // Throws HttpFailure.
  HttpResponse send(HttpRequest request);
  // `give_up` is told of the last failure, and throws what the user is to read.
  HttpResponse send_with_retry(
      const HttpRequest& request,
      const std::function<void(const HttpFailure&, int attempts)>& give_up);

 private:
  HubOptions options_;
  RetryPolicy retry_;
  HttpClient http_;
};

}  // namespace vecton::hub
