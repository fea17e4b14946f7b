#include "media/source.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/ascii.h"
#include "base/base64.h"
#include "base/counted.h"
#include "base/files.h"
#include "base/percent.h"
#include "checkpoint/hub_http.h"
#include "vecton/error.h"

namespace vecton::media {

namespace {

constexpr int kMostRedirects = 5;

bool has_scheme(std::string_view text, std::string_view scheme) {
  return text.size() >= scheme.size() && base::ascii_lower(text.substr(0, scheme.size())) == scheme;
}

// Addresses may be long, and are the caller's own words.
std::string in_quotes(std::string_view text) {
  constexpr size_t kShown = 100;
  std::string shown(text.substr(0, kShown));
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~') c = '?';
  return '"' + shown + (text.size() > kShown ? "...\"" : "\"");
}

bool is_inside(const std::filesystem::path& path, const std::filesystem::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

class Source {
 public:
  Source(const SourceOptions& options, const std::string& what) : options_(options), what_(what) {}

  std::string from_data(std::string_view uri) const {
    const size_t comma = uri.find(',');
    if (comma == uri.npos || !base::ascii_lower(uri.substr(0, comma)).ends_with(";base64"))
      fail("a data: URI has to be data:image/...;base64, and the bytes in base64");
    const std::string_view text = uri.substr(comma + 1);
    if (static_cast<int64_t>(text.size() / 4 * 3) > options_.max_bytes + 3) too_long();
    const std::optional<std::string> bytes = base::decode_base64(text);
    if (!bytes) fail("what follows base64, in the data: URI is not base64");
    if (std::ssize(*bytes) > options_.max_bytes) too_long();
    return *bytes;
  }

  std::string from_file(const std::string& named) const {
    if (options_.allowed_path.empty()) {
      fail(
          "files are not read here: allowed_local_media_path (--allowed-local-media-path) names no "
          "folder; send the picture's bytes as a data: URI");
    }
    const std::filesystem::path path = resolved(named);
    if (!is_inside(path, resolved(options_.allowed_path)))
      fail(in_quotes(named) +
           " is not in the folder of allowed_local_media_path (--allowed-local-media-path)");
    if (!base::is_file(path)) fail("there is no file " + in_quotes(named), ErrorCode::kNotFound);
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    const std::streamoff size = file ? static_cast<std::streamoff>(file.tellg()) : -1;
    if (size > options_.max_bytes) too_long();
    std::string bytes(static_cast<size_t>(std::max<std::streamoff>(size, 0)), '\0');
    file.seekg(0);
    file.read(bytes.data(), std::ssize(bytes));
    if (size < 0 || !file) fail(in_quotes(named) + " can't be read", ErrorCode::kIo);
    return bytes;
  }

  std::string fetch(std::string url) const {
    if (options_.allowed_domains.empty()) {
      fail(
          "pictures are not fetched from the web here: allowed_media_domains "
          "(--allowed-media-domains) names no host; send the picture's bytes as a data: URI");
    }
    hub::HttpClient client;
    const auto deadline = std::chrono::steady_clock::now() + options_.timeout;
    for (int redirects = 0; redirects <= kMostRedirects; ++redirects) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) fail("the host takes too long to answer", ErrorCode::kNetwork);
      const hub::HttpResponse response = get(client, url, left);
      if (response.status == 200) return response.body;
      if (response.location.empty() || response.status < 300 || response.status > 399) {
        fail("the host answers " + in_quotes(url) + " with status " +
                 std::to_string(response.status),
             ErrorCode::kNetwork);
      }
      url = response.location;
    }
    fail("more than " + base::counted(kMostRedirects, "redirect"), ErrorCode::kNetwork);
  }

 private:
  hub::HttpResponse get(hub::HttpClient& client, const std::string& url,
                        std::chrono::milliseconds left) const {
    const bool named = check_host(url);
    bool refused = false;
    hub::HttpRequest request;
    std::string body;
    request.url = url;
    request.timeout = left;
    request.allow_address = [&](const sockaddr& address) {
      if (named || is_public_address(address)) return true;
      refused = true;
      return false;
    };
    request.on_body = [&](const hub::HttpResponse&, std::string_view piece) {
      if (static_cast<int64_t>(body.size() + piece.size()) > options_.max_bytes) too_long();
      body += piece;
    };
    try {
      hub::HttpResponse response = client.send(request);
      if (response.status == 200) response.body = std::move(body);
      return response;
    } catch (const hub::HttpFailure& failure) {
      if (refused) {
        fail(in_quotes(host_of(url)) +
             " is in a private network; allowed_media_domains (--allowed-media-domains) has to "
             "name it");
      }
      fail(in_quotes(url) + " can't be fetched: " + failure.what(), ErrorCode::kNetwork);
    }
  }

  // Without symlinks and dots. What can't be followed is named as it is.
  std::filesystem::path resolved(const std::filesystem::path& named) const {
    if (named.empty() || named.native().find('\0') != std::string::npos)
      fail("there is no file " + in_quotes(named.native()), ErrorCode::kNotFound);
    std::error_code error;
    const std::filesystem::path whole =
        std::filesystem::weakly_canonical(std::filesystem::absolute(named), error);
    if (error) fail(in_quotes(named.native()) + ": " + error.message());
    return whole.has_filename() ? whole : whole.parent_path();  // "folder/"
  }

  // Whether the list has the host by its name; an error where it does not have it at all.
  bool check_host(const std::string& url) const {
    const std::string host = host_of(url);
    if (host.empty())
      fail(in_quotes(url) + " is no http or https URL of a host, without a user and a password");
    bool any = false;
    for (const std::string& domain : options_.allowed_domains) {
      if (base::ascii_lower(domain) == host) return true;
      any = any || domain == "*";
    }
    if (!any)
      fail("pictures are not fetched from " + in_quotes(host) +
           ": allowed_media_domains (--allowed-media-domains) does not have it");
    return false;
  }

  [[noreturn]] void fail(const std::string& message,
                         ErrorCode code = ErrorCode::kInvalidArgument) const {
    throw Error(code, what_ + ": " + message);
  }
  [[noreturn]] void too_long() const {
    fail("the picture's file has more than " + base::counted(options_.max_bytes, "byte"));
  }

  const SourceOptions& options_;
  const std::string& what_;
};

}  // namespace

std::string host_of(std::string_view url) {
  const size_t scheme = has_scheme(url, "https://") ? 8 : has_scheme(url, "http://") ? 7 : 0;
  if (scheme == 0) return "";
  const bool plain = std::ranges::all_of(url, [](char c) { return c > ' ' && c <= '~'; });
  if (!plain || url.find('\\') != url.npos) return "";
  url.remove_prefix(scheme);
  std::string host = base::ascii_lower(url.substr(0, url.find_first_of("/?#")));
  if (host.find('@') != host.npos) return "";
  if (host.starts_with('[')) {  // IPv6
    const size_t end = host.find(']');
    return end == host.npos ? "" : host.substr(1, end - 1);
  }
  host.resize(std::min(host.size(), host.find(':')));
  const bool known = std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
  return known ? host : "";
}

std::string read_source(std::string_view source, const SourceOptions& options,
                        const std::string& what) {
  const Source reader(options, what);
  if (has_scheme(source, "data:")) return reader.from_data(source);
  if (has_scheme(source, "http://") || has_scheme(source, "https://"))
    return reader.fetch(std::string(source));
  if (has_scheme(source, "file://"))
    return reader.from_file(base::percent_decoded(source.substr(7)));
  return reader.from_file(std::string(source));
}

}  // namespace vecton::media
