#include "server/api_keys.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include "base/json.h"
#include "server/metrics.h"

namespace vecton::server {

namespace {

constexpr std::string_view kScheme = "bearer ";

// As many bytes are compared whether the lengths are the same or not.
bool same(std::string_view given, const std::string& key) {
  const bool fits = given.size() == key.size();
  const char* const compared = fits ? given.data() : key.data();
  return (CRYPTO_memcmp(compared, key.data(), key.size()) == 0) & fits;
}

// The key of "Bearer KEY"; empty when there is none.
std::string_view bearer(std::string_view header) {
  const std::string_view scheme = header.substr(0, kScheme.size());
  const auto lower = [](unsigned char c) { return static_cast<char>(std::tolower(c)); };
  if (!std::equal(scheme.begin(), scheme.end(), kScheme.begin(), kScheme.end(),
                  [&](char a, char b) { return lower(static_cast<unsigned char>(a)) == b; })) {
    return {};
  }
  std::string_view key = header.substr(kScheme.size());
  while (key.starts_with(' ')) key.remove_prefix(1);
  return key;
}

[[noreturn]] void wrong(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, where + ": " + what, "api_key_file");
}

// A name goes into the log and into labels: visible, and short.
bool is_name(std::string_view name) {
  constexpr size_t kLongest = 64;
  return !name.empty() && name.size() <= kLongest &&
         std::ranges::all_of(name, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

ApiKey parse_entry(const json::value& value, const std::string& where) {
  if (!value.is_object()) wrong(where, "expected an object with `key`");
  ApiKey out;
  for (const auto& [name, member] : value.get_object()) {
    const std::string field = where + "." + std::string(name);
    if (name == "key" || name == "name" || name == "role") {
      if (!member.is_string() || member.get_string().empty())
        wrong(field, "expected a string that is not empty");
      const std::string text(member.get_string());
      if (name == "key") out.key = text;
      if (name == "name") out.name = text;
      if (name == "name" && !is_name(text))
        wrong(field, "expected up to 64 visible ASCII characters without a space");
      if (name == "role" && text != "client" && text != "operator")
        wrong(field, "expected client or operator, found " + text);
      if (name == "role") out.is_operator = text == "operator";
    } else if (name == "requests_per_minute" || name == "tokens_per_minute") {
      if (!member.is_int64() || member.get_int64() < 0)
        wrong(field, "expected a whole number, 0 for no limit");
      (name == "tokens_per_minute" ? out.tokens_per_minute : out.requests_per_minute) =
          member.get_int64();
    } else {
      wrong(field,
            "there is no such field; there are key, name, requests_per_minute, tokens_per_minute "
            "and role");
    }
  }
  if (out.key.empty()) wrong(where, "`key` is missing");
  return out;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file.is_open() || file.bad())
    throw Error(ErrorCode::kIo, path + " can't be read: it should hold API keys", "api_key_file");
  return text;
}

}  // namespace

void KeyAccount::Bucket::fill(int64_t per_minute, double seconds) {
  const auto most = static_cast<double>(per_minute);
  left = std::min(most, left + most * seconds / 60);
}

int64_t KeyAccount::Bucket::wait_for(double amount, int64_t per_minute) const {
  if (per_minute == 0 || left >= amount) return 0;
  const double seconds = (amount - left) * 60 / static_cast<double>(per_minute);
  return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(seconds)));
}

KeyAccount::Admission KeyAccount::admit(Clock::time_point now) {
  ++requests_;
  if (key_.requests_per_minute == 0 && key_.tokens_per_minute == 0) return {};
  const std::lock_guard lock(mutex_);
  constexpr double kMinute = 60;
  const double seconds = filled_ == Clock::time_point{}
                             ? kMinute
                             : std::chrono::duration<double>(now - filled_).count();
  filled_ = std::max(filled_, now);
  left_requests_.fill(key_.requests_per_minute, std::max(seconds, 0.0));
  left_tokens_.fill(key_.tokens_per_minute, std::max(seconds, 0.0));
  Admission out;
  if (const int64_t wait = left_requests_.wait_for(1, key_.requests_per_minute))
    out = {"requests", wait};
  if (const int64_t wait = left_tokens_.wait_for(1, key_.tokens_per_minute); wait > out.wait)
    out = {"tokens", wait};
  if (out.limit) {
    ++refused_;
  } else {
    left_requests_.left -= 1;
  }
  return out;
}

void KeyAccount::charge(int64_t tokens) {
  tokens_ += tokens;
  if (key_.tokens_per_minute == 0) return;
  const std::lock_guard lock(mutex_);
  left_tokens_.left -= static_cast<double>(tokens);
}

ApiKeys::ApiKeys(const ServerOptions& options)
    : given_(options.api_keys),
      operators_(options.admin_api_keys),
      file_(options.api_key_file),
      accounts_(read()) {}

ApiKeys::Accounts ApiKeys::read() const {
  std::vector<ApiKey> keys;
  std::set<std::string> names, seen;
  for (const std::string& key : given_) {
    if (key.empty())
      throw Error(ErrorCode::kInvalidArgument, "an API key must not be empty", "api_key");
    if (seen.insert(key).second) keys.push_back({.key = key});
  }
  for (size_t i = 0; i < operators_.size(); ++i) {
    const std::string& key = operators_[i];
    if (key.empty())
      throw Error(ErrorCode::kInvalidArgument, "an API key must not be empty", "admin_api_key");
    if (!seen.insert(key).second)
      throw Error(ErrorCode::kInvalidArgument, "an operator's key must be no client's",
                  "admin_api_key");
    keys.push_back({.key = key, .name = "operator-" + std::to_string(i + 1), .is_operator = true});
  }
  const size_t given = keys.size();
  if (!file_.empty()) {
    try {
      const std::vector<ApiKey> more = parse_api_keys(read_file(file_));
      keys.insert(keys.end(), more.begin(), more.end());
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kIo) throw;
      throw Error(error.code(), file_ + ": " + error.what(), "api_key_file");
    }
  }
  Accounts accounts;
  for (ApiKey& key : keys) {
    if (key.name.empty()) key.name = "key-" + std::to_string(accounts.size() + 1);
    if (accounts.size() >= given && !seen.insert(key.key).second)
      throw Error(ErrorCode::kInvalidArgument,
                  file_ + ": the key of " + key.name + " is there twice", "api_key_file");
    if (!names.insert(key.name).second)
      throw Error(ErrorCode::kInvalidArgument, "two API keys have the name " + key.name,
                  "api_key_file");
    accounts.push_back(std::make_shared<KeyAccount>(std::move(key)));
  }
  return accounts;
}

void ApiKeys::reload() {
  Accounts fresh = read();
  const std::lock_guard lock(mutex_);
  for (std::shared_ptr<KeyAccount>& account : fresh) {
    const auto old = std::ranges::find_if(
        accounts_, [&](const auto& known) { return known->key() == account->key(); });
    if (old != accounts_.end()) account = *old;
  }
  accounts_.swap(fresh);
}

bool ApiKeys::required() const { return !given_.empty() || !file_.empty(); }

std::shared_ptr<KeyAccount> ApiKeys::find(std::string_view authorization) const {
  const std::string_view key = bearer(authorization);
  std::shared_ptr<KeyAccount> found;
  const std::lock_guard lock(mutex_);
  for (const std::shared_ptr<KeyAccount>& account : accounts_)  // all of them, whichever matches
    if (same(key, account->key().key)) found = account;
  return found;
}

ApiKeys::Accounts ApiKeys::all() const {
  const std::lock_guard lock(mutex_);
  return accounts_;
}

bool ApiKeys::has_operator() const {
  return std::ranges::any_of(
      all(), [](const std::shared_ptr<KeyAccount>& account) { return account->key().is_operator; });
}

std::string ApiKeys::metrics() const {
  const struct {
    const char *name, *help;
    int64_t (KeyAccount::*value)() const;
  } all[] = {
      {"vecton_key_requests_total", "Requests for the model, by the name of their key.",
       &KeyAccount::requests},
      {"vecton_key_tokens_total", "Tokens read and written, by the name of the key.",
       &KeyAccount::tokens},
      {"vecton_key_refused_total", "Requests refused for their key's limits.",
       &KeyAccount::refused},
  };
  const Accounts accounts = this->all();
  std::string out;
  if (accounts.empty()) return out;
  for (const auto& entry : all) {
    const std::string name = entry.name;
    out += "# HELP " + name + " " + entry.help + "\n# TYPE " + name + " counter\n";
    for (const std::shared_ptr<KeyAccount>& account : accounts) {
      out += name + "{key=" + label_value(account->key().name) + "} " +
             std::to_string(((*account).*entry.value)()) + "\n";
    }
  }
  return out;
}

std::vector<ApiKey> parse_api_keys(std::string_view text) {
  std::vector<ApiKey> keys;
  const size_t start = text.find_first_not_of(" \t\r\n");
  if (start != text.npos && (text[start] == '[' || text[start] == '{')) {
    const json::value document = base::parse_json(text, "API keys");
    if (!document.is_array()) wrong("API keys", "expected a list of objects");
    for (size_t i = 0; i < document.get_array().size(); ++i)
      keys.push_back(parse_entry(document.get_array()[i], "[" + std::to_string(i) + "]"));
  } else {
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (!line.empty() && !line.starts_with('#')) keys.push_back({.key = std::string(line)});
    }
  }
  if (keys.empty()) wrong("API keys", "there is no key in it");
  return keys;
}

}  // namespace vecton::server
