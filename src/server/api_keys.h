// ApiKeys: who may ask, what for, and how much of it in a minute.
//
// A key is known by its name in the log and in metrics, which never show the key. Its limits are
// those of a bucket that holds a minute's worth and fills up steadily: a request takes one out when
// it comes, its tokens when they are counted, so that a long request is paid for by those after it.
// Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "server/server.h"

namespace vecton::server {

struct ApiKey {
  std::string key, name{};
  int64_t requests_per_minute = 0, tokens_per_minute = 0;  // 0 = as many as one likes
  bool is_operator = false;                                // may call what operators alone may

  bool operator==(const ApiKey&) const = default;
};

// A key in use: what it has left, and what has been asked with it.
class KeyAccount {
 public:
  using Clock = std::chrono::steady_clock;

  explicit KeyAccount(ApiKey key) : key_(std::move(key)) {}

  const ApiKey& key() const { return key_; }

  struct Admission {
    const char* limit = nullptr;  // "requests" or "tokens": the one that is reached
    int64_t wait = 0;             // seconds until there is room again
  };
  // A request for the model comes: it is counted, and admitted where no limit is named.
  Admission admit(Clock::time_point now = Clock::now());
  // So many tokens were read and written for it.
  void charge(int64_t tokens);

  int64_t requests() const { return requests_; }
  int64_t tokens() const { return tokens_; }
  int64_t refused() const { return refused_; }

 private:
  // What is left of a minute's worth, below nothing when more was taken.
  struct Bucket {
    double left = 0;
    void fill(int64_t per_minute, double seconds);
    int64_t wait_for(double amount, int64_t per_minute) const;  // seconds; 0 = it is there
  };

  const ApiKey key_;
  std::atomic<int64_t> requests_{0}, tokens_{0}, refused_{0};
  std::mutex mutex_;  // guards what follows
  Clock::time_point filled_{};
  Bucket left_requests_, left_tokens_;
};

class ApiKeys {
 public:
  using Accounts = std::vector<std::shared_ptr<KeyAccount>>;

  // Those of `--api-key`, `--admin-api-key` and of the file. Throws Error (kIo, kInvalidArgument)
  // for a file that can't be read, and for two keys of one name.
  explicit ApiKeys(const ServerOptions& options);

  // Reads the file again; keys that stay as they were keep what they have left. Throws as the
  // constructor does, and changes nothing then.
  void reload();

  // Whether a request needs a key at all.
  bool required() const;
  // The account of the key in an Authorization header ("Bearer KEY", the scheme in any case); null
  // when it has none that is known. Takes a time that does not depend on how much of a key was
  // guessed.
  std::shared_ptr<KeyAccount> find(std::string_view authorization) const;
  Accounts all() const;
  bool has_operator() const;  // among them
  // What has been asked with each key, as Prometheus reads it; empty without keys.
  std::string metrics() const;

 private:
  Accounts read() const;

  const std::vector<std::string> given_, operators_;
  const std::string file_;
  mutable std::mutex mutex_;  // guards what follows
  Accounts accounts_;
};

// Whether requests for the model need a key.
inline bool needs_key(const ServerOptions& options) {
  return !options.api_keys.empty() || !options.api_key_file.empty();
}

// The keys of a file: a JSON list of objects (`key`, `name`, `requests_per_minute`,
// `tokens_per_minute`, `role`: "client" or "operator"), or a key per line with comments behind '#'
// at its beginning. Throws Error (kInvalidArgument) that names the entry.
std::vector<ApiKey> parse_api_keys(std::string_view text);

}  // namespace vecton::server
