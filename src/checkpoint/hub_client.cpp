#include "checkpoint/hub_client.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/json.h"
#include "checkpoint/hub_cache.h"
#include "checkpoint/name_text.h"
#include "vecton/error.h"

namespace vecton::hub {

namespace {

// What the hub says of a repository that it has closed; there is no code for it.
constexpr const char* kDisabled = "Access to this resource is disabled.";

std::string normal_etag(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.starts_with('"')) etag.remove_prefix(1);
  if (etag.ends_with('"')) etag.remove_suffix(1);
  return std::string(etag);
}

int64_t number_or(std::string_view text, int64_t fallback) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size() && value >= 0;
  return whole ? value : fallback;
}

}  // namespace

HubClient::HubClient(const HubOptions& options, std::string name, RetryPolicy retry)
    : hub_(options, retry), name_(std::move(name)) {}

HttpResponse HubClient::send(const HttpRequest& request) {
  return hub_.send_with_retry(request, [this](const HttpFailure& failure, int attempts) {
    throw_network(failure, attempts);
  });
}

std::string HubClient::file_url(const std::string& commit, const std::string& file) const {
  return hub_.options().endpoint + "/" + name_ + "/resolve/" + commit + "/" + encoded(file, "/");
}

RepositoryList HubClient::list() {
  HttpRequest request;
  request.url = hub_.options().endpoint + "/api/models/" + name_ + "/revision/" +
                encoded(hub_.options().revision);
  request.headers = {"Accept: application/json"};
  const HttpResponse response = send(request);
  if (response.status != 200) throw_refused(response, "");
  const auto not_a_hub = [&](const std::string& what) {
    return Error(ErrorCode::kNetwork, "the answer of " + request.url + " " + what +
                                          ": is HF_ENDPOINT the address of a model hub?");
  };
  json::value value;
  try {
    value = base::parse_json(response.body, request.url);
  } catch (const Error&) {
    throw not_a_hub("is not JSON");
  }
  const json::object* object = value.if_object();
  const json::value* sha = object ? object->if_contains("sha") : nullptr;
  const json::value* siblings = object ? object->if_contains("siblings") : nullptr;
  if (!sha || !sha->is_string() || !is_commit(std::string_view(sha->get_string()))) {
    throw not_a_hub("names no commit");
  }
  if (!siblings || !siblings->is_array()) throw not_a_hub("lists no files");
  RepositoryList list;
  list.commit = sha->get_string();
  for (const json::value& sibling : siblings->get_array()) {
    const json::object* entry = sibling.if_object();
    const json::value* file = entry ? entry->if_contains("rfilename") : nullptr;
    if (!file || !file->is_string()) throw not_a_hub("lists a file without a name");
    list.files.emplace_back(file->get_string());
    if (!is_repository_path(list.files.back())) {
      throw Error(ErrorCode::kCorrupt, "the hub lists a file whose name leads out of the model: " +
                                           checkpoint::quoted_text(list.files.back()));
    }
  }
  return list;
}

FileFacts HubClient::facts(const std::string& commit, const std::string& file) {
  HttpRequest request;
  request.url = file_url(commit, file);
  request.headers = {"Accept-Encoding: identity"};  // else the size is that of compressed bytes
  request.head = true;
  const HttpResponse response = send(request);
  if (response.status != 200 && !is_redirect(response.status)) throw_refused(response, file);
  const std::string linked = response.header("x-linked-etag");
  FileFacts facts;
  facts.etag = normal_etag(linked.empty() ? response.header("etag") : linked);
  std::string size = response.header("x-linked-size");
  if (size.empty() && response.status == 200) size = response.header("content-length");
  facts.size = number_or(size, -1);
  const bool plain = is_repository_path(facts.etag) && facts.etag.find('/') == std::string::npos &&
                     facts.etag.size() <= 128;
  const std::string answered = response.header("x-repo-commit");
  if (!plain || (!answered.empty() && answered != commit)) {
    throw Error(ErrorCode::kNetwork,
                "the answer of " + request.url + " has no usable " +
                    (plain ? "X-Repo-Commit" : "ETag") +
                    " header: is HF_ENDPOINT the address of a model hub, without a proxy that "
                    "changes its answers?");
  }
  return facts;
}

void HubClient::get(const std::string& commit, const std::string& file, int64_t offset,
                    const std::function<void(int64_t, std::string_view)>& sink) {
  HttpRequest request;
  request.url = file_url(commit, file);
  request.headers = {"Accept-Encoding: identity"};
  if (offset > 0) request.headers.push_back("Range: bytes=" + std::to_string(offset) + "-");
  int64_t position = -1;
  request.on_body = [&](const HttpResponse& response, std::string_view bytes) {
    if (position < 0) {
      position = response.status == 206 ? offset : 0;
      const std::string range = response.header("content-range");
      if (response.status == 206 && !range.starts_with("bytes " + std::to_string(offset) + "-")) {
        throw HttpFailure("the server sent the range " + checkpoint::quoted_text(range) +
                              ", not the one from " + std::to_string(offset) + " on",
                          false);
      }
    }
    sink(position, bytes);
    position += static_cast<int64_t>(bytes.size());
  };
  const HttpResponse response = hub_.send(request);
  if (response.status == 416 && offset > 0) return get(commit, file, 0, sink);
  if (is_passing(response.status)) {
    throw HttpFailure("the server answers " + std::to_string(response.status), true);
  }
  if (response.status != 200 && response.status != 206) throw_refused(response, file);
}

void HubClient::throw_network(const HttpFailure& failure, int attempts) const {
  const std::string tried = attempts > 1 ? " after " + std::to_string(attempts) + " attempts" : "";
  throw Error(ErrorCode::kNetwork,
              "cannot be downloaded from " + origin(hub_.options().endpoint) + tried + ": " +
                  failure.what() +
                  ". Check the network and the proxy, or use a model that is there: a folder, or "
                  "a cached name (HF_HUB_OFFLINE=1 never asks the network)");
}

void HubClient::throw_refused(const HttpResponse& response, const std::string& file) const {
  const long status = response.status;
  const std::string code = response.header("x-error-code");
  const std::string who = origin(hub_.options().endpoint) + " refuses: ";
  const std::string why = reason(response);
  const bool token = !hub_.options().token.empty();
  const auto unauthorized = [&](const std::string& text) {
    return Error(ErrorCode::kUnauthorized, who + text + why, "model");
  };
  const auto not_found = [&](const std::string& text) {
    return Error(ErrorCode::kNotFound, who + text + why, "model");
  };
  if (code == "GatedRepo") {
    const std::string conditions =
        "this model is gated: accept its conditions at " + hub_.options().endpoint + "/" + name_;
    throw unauthorized(token ? conditions + " with the account of the token (HF_TOKEN)"
                             : conditions + " and set HF_TOKEN to a token of that account");
  }
  if (status == 403 && response.header("x-error-message") == kDisabled)
    throw unauthorized("the hub has disabled this model, for every account");
  if (code == "RevisionNotFound") {
    throw not_found("no revision " + checkpoint::quoted_text(hub_.options().revision) +
                    " (a branch, a tag or a commit)");
  }
  if (code == "EntryNotFound") throw not_found("no file " + checkpoint::quoted_text(file));
  if (status == 401 && token) {
    throw unauthorized(
        "the token (HF_TOKEN) is not valid, or the model is private or gated and the token may "
        "not read it");
  }
  if (status == 401 && code != "RepoNotFound") {
    throw unauthorized("a token is missing: the model is private or gated; set HF_TOKEN");
  }
  if (status == 401 || status == 404) {
    throw not_found(
        "no such model. Check the name; if it is private or gated, set HF_TOKEN to a token that "
        "may read it");
  }
  if (status == 403) {
    throw unauthorized(token ? "the token (HF_TOKEN) may not read this model; a gated model's "
                               "conditions have to be accepted on its page first"
                             : "this model is gated or private: set HF_TOKEN");
  }
  if (status == 429) {
    const int64_t seconds = number_or(response.header("retry-after"), -1);
    throw Error(ErrorCode::kNetwork,
                who + "too many requests; try again " +
                    (seconds < 0 ? "later" : "in " + std::to_string(seconds) + " seconds") +
                    (token ? "" : ", or set HF_TOKEN, which raises the limit") + why);
  }
  throw Error(ErrorCode::kNetwork,
              who + "the hub answers " + std::to_string(status) +
                  (file.empty() ? "" : " for " + checkpoint::quoted_text(file)) + why);
}

}  // namespace vecton::hub
