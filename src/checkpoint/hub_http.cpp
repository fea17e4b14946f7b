#include "checkpoint/hub_http.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <type_traits>
#include <utility>

#include "base/ascii.h"
#include "vecton/error.h"

namespace vecton::hub {

namespace {

constexpr long kConnectSeconds = 10;
constexpr long kStallSeconds = 60;  // a transfer without a byte for so long is given up

// Debian's two flavours and macOS; the interface is the same.
const char* const kLibraries[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.4.dylib"};

// Failures after which the same request may well succeed.
bool is_transient(CURLcode code) {
  switch (code) {
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_WEIRD_SERVER_REPLY:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string HttpResponse::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::string origin(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == url.npos) return "";
  const std::string name = base::ascii_lower(url.substr(0, scheme));
  if (name != "http" && name != "https") return "";
  const size_t begin = scheme + 3;
  std::string host = base::ascii_lower(url.substr(begin, url.find_first_of("/?#", begin) - begin));
  host.erase(0, host.rfind('@') + 1);
  const std::string usual_port = name == "https" ? ":443" : ":80";
  if (host.ends_with(usual_port)) host.resize(host.size() - usual_port.size());
  return host.empty() ? "" : name + "://" + host;
}

// What this file uses of libcurl, and one handle of it. The library stays loaded: it registers
// handlers at exit.
struct HttpClient::Curl {
  decltype(&curl_global_init) global_init = nullptr;
  decltype(&curl_easy_init) easy_init = nullptr;
  decltype(&curl_easy_reset) easy_reset = nullptr;
  decltype(&curl_easy_setopt) easy_setopt = nullptr;
  decltype(&curl_easy_getinfo) easy_getinfo = nullptr;
  decltype(&curl_easy_perform) easy_perform = nullptr;
  decltype(&curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&curl_easy_strerror) easy_strerror = nullptr;
  decltype(&curl_slist_append) slist_append = nullptr;
  decltype(&curl_slist_free_all) slist_free_all = nullptr;
  CURL* handle = nullptr;

  explicit Curl(const std::vector<std::string>& libraries) {
    void* library = nullptr;
    for (const std::string& name : libraries) {
      if (!library) library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    }
    if (!library) {
      throw Error(ErrorCode::kNetwork,
                  "downloading needs libcurl, which is not on this machine (" + libraries.front() +
                      "): install it (Debian, Ubuntu: apt-get install libcurl4 ca-certificates; "
                      "Fedora: dnf install libcurl), or give a folder that holds the model");
    }
    const auto load = [&](auto& function, const char* name) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
      if (!function) {
        throw Error(ErrorCode::kNetwork, std::string("libcurl on this machine has no ") + name);
      }
    };
    load(global_init, "curl_global_init");
    load(easy_init, "curl_easy_init");
    load(easy_reset, "curl_easy_reset");
    load(easy_setopt, "curl_easy_setopt");
    load(easy_getinfo, "curl_easy_getinfo");
    load(easy_perform, "curl_easy_perform");
    load(easy_cleanup, "curl_easy_cleanup");
    load(easy_strerror, "curl_easy_strerror");
    load(slist_append, "curl_slist_append");
    load(slist_free_all, "curl_slist_free_all");
    static const CURLcode started = global_init(CURL_GLOBAL_DEFAULT);  // once, whoever comes first
    handle = started == CURLE_OK ? easy_init() : nullptr;
    if (!handle) throw Error(ErrorCode::kNetwork, "libcurl cannot be started");
  }
  ~Curl() { easy_cleanup(handle); }
  Curl(const Curl&) = delete;
  Curl& operator=(const Curl&) = delete;
};

// What libcurl's callbacks fill in.
struct HttpClient::Transfer {
  const HttpRequest& request;
  HttpResponse response;
  std::exception_ptr error;

  static size_t on_header(char* data, size_t, size_t size, void* user) {
    auto& response = static_cast<Transfer*>(user)->response;
    const std::string_view line(data, size);
    if (line.starts_with("HTTP/")) {  // interim answers and proxies' come first
      response.headers.clear();
      const size_t space = line.find(' ');
      response.status = space == line.npos ? 0 : std::atol(std::string(line.substr(space)).c_str());
    } else if (const size_t colon = line.find(':'); colon != line.npos) {
      response.headers[base::ascii_lower(line.substr(0, colon))] =
          base::trimmed(line.substr(colon + 1));
    }
    return size;
  }

  static size_t on_body(char* data, size_t, size_t size, void* user) {
    auto& self = *static_cast<Transfer*>(user);
    const bool wanted = self.response.status == 200 || self.response.status == 206;
    try {
      if (wanted && self.request.on_body) {
        self.request.on_body(self.response, {data, size});
      } else if (self.response.body.size() + size > kMaxBody) {
        throw HttpFailure("the answer is longer than any that was expected", false);
      } else {
        self.response.body.append(data, size);
      }
    } catch (...) {
      self.error = std::current_exception();
      return 0;
    }
    return size;
  }

  static curl_socket_t on_socket(void* user, curlsocktype, curl_sockaddr* address) {
    auto& self = *static_cast<Transfer*>(user);
    try {
      if (!self.request.allow_address(address->addr)) return CURL_SOCKET_BAD;
    } catch (...) {
      self.error = std::current_exception();
      return CURL_SOCKET_BAD;
    }
    return ::socket(address->family, address->socktype, address->protocol);
  }

  static int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t sent) {
    auto& self = *static_cast<Transfer*>(user);
    try {
      if (self.request.on_sent) self.request.on_sent(sent);
    } catch (...) {
      self.error = std::current_exception();
      return 1;
    }
    return 0;
  }
};

HttpClient::HttpClient() : HttpClient({std::begin(kLibraries), std::end(kLibraries)}) {}

HttpClient::HttpClient(const std::vector<std::string>& libraries)
    : curl_(std::make_unique<Curl>(libraries)) {}

HttpClient::~HttpClient() = default;

HttpResponse HttpClient::send(const HttpRequest& request) {
  CURL* handle = curl_->handle;
  curl_->easy_reset(handle);
  Transfer transfer{request, {}, nullptr};
  curl_slist* list = nullptr;
  for (const std::string& header : request.headers) {
    list = curl_->slist_append(list, header.c_str());
  }
  const std::unique_ptr<curl_slist, decltype(curl_->slist_free_all)> headers(list,
                                                                             curl_->slist_free_all);
  char detail[CURL_ERROR_SIZE] = "";
  const auto set = [&](CURLoption option, auto value) {
    curl_->easy_setopt(handle, option, value);
  };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_HTTPHEADER, headers.get());
  set(CURLOPT_NOBODY, request.head ? 1L : 0L);
  if (!request.method.empty()) {
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.data());  // read where it lies
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
    set(CURLOPT_XFERINFODATA, &transfer);
  }
  if (request.allow_address) {
    set(CURLOPT_OPENSOCKETFUNCTION, &Transfer::on_socket);
    set(CURLOPT_OPENSOCKETDATA, &transfer);
    set(CURLOPT_PROXY, "");
  }
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_USERAGENT, "vecton");
  set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, kStallSeconds);
  set(CURLOPT_ERRORBUFFER, static_cast<char*>(detail));
  set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(CURLOPT_HEADERDATA, &transfer);
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(CURLOPT_WRITEDATA, &transfer);
  const CURLcode code = curl_->easy_perform(handle);
  if (transfer.error) std::rethrow_exception(transfer.error);
  if (code != CURLE_OK) {
    long sent = 0;  // bytes; a host that lets nobody connect is not asked again
    curl_->easy_getinfo(handle, CURLINFO_REQUEST_SIZE, &sent);
    throw HttpFailure(*detail ? detail : curl_->easy_strerror(code),
                      is_transient(code) && sent > 0);
  }
  char* location = nullptr;
  curl_->easy_getinfo(handle, CURLINFO_REDIRECT_URL, &location);
  if (location) transfer.response.location = location;
  return std::move(transfer.response);
}

}  // namespace vecton::hub
