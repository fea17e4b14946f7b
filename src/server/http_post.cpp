#include "server/http_post.h"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <optional>

#include "base/files.h"
#include "vecton/error.h"
#include "vecton/vecton.h"

namespace vecton::server {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using SystemError = boost::system::error_code;

// Where systems keep the authorities that they trust, beside OpenSSL's own place and SSL_CERT_FILE.
constexpr const char* kAuthorities[] = {"/etc/ssl/certs/ca-certificates.crt",
                                        "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};

// One request, whose steps follow each other while `io` runs.
class Post {
 public:
  Post(asio::io_context& io, const HttpAddress& address, const std::string& json)
      : address_(address), resolver_(io), socket_(io) {
    request_.method(http::verb::post);
    request_.target(address.path);
    request_.version(11);
    const bool usual = address.port == (address.encrypted ? "443" : "80");
    request_.set(http::field::host, usual ? address.host : address.host + ":" + address.port);
    request_.set(http::field::user_agent, std::string("vecton/") + version());
    request_.set(http::field::content_type, "application/json");
    request_.set(http::field::connection, "close");
    request_.body() = json;
    request_.prepare_payload();
    if (!address.encrypted) return;
    SystemError ignored;
    tls_.set_default_verify_paths(ignored);
    for (const char* file : kAuthorities)
      if (base::is_file(file)) tls_.load_verify_file(file, ignored);
    tls_.set_verify_mode(asio::ssl::verify_peer);
    tls_.set_verify_callback(asio::ssl::host_name_verification(address.host));
  }

  void start() {
    resolver_.async_resolve(address_.host, address_.port,
                            [this](SystemError error, const tcp::resolver::results_type& found) {
                              if (error) return fail(error);
                              asio::async_connect(socket_, found,
                                                  [this](SystemError failed, const tcp::endpoint&) {
                                                    failed ? fail(failed) : connected();
                                                  });
                            });
  }

  std::optional<int> status() const { return status_; }
  const std::string& error() const { return error_; }

 private:
  void connected() {
    if (!address_.encrypted) return send(socket_);
    stream_.emplace(socket_, tls_);
    SSL_set_tlsext_host_name(stream_->native_handle(), address_.host.c_str());
    stream_->async_handshake(asio::ssl::stream_base::client,
                             [this](SystemError error) { error ? fail(error) : send(*stream_); });
  }

  template <class Stream>
  void send(Stream& stream) {
    http::async_write(stream, request_, [this, &stream](SystemError error, size_t) {
      if (error) return fail(error);
      http::async_read(stream, buffer_, answer_, [this](SystemError failed, size_t) {
        if (failed && !answer_.is_header_done()) return fail(failed);
        status_ = static_cast<int>(answer_.get().result_int());
      });
    });
  }

  void fail(const SystemError& error) { error_ = error.message(); }

  const HttpAddress& address_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  asio::ssl::context tls_{asio::ssl::context::tls_client};
  std::optional<asio::ssl::stream<tcp::socket&>> stream_;
  http::request<http::string_body> request_;
  http::response_parser<http::string_body> answer_;
  boost::beast::flat_buffer buffer_;
  std::optional<int> status_;
  std::string error_;
};

}  // namespace

HttpAddress HttpAddress::parse(const std::string& url, const std::string& path,
                               const char* option) {
  const auto wrong = [&] {
    return Error(ErrorCode::kInvalidArgument,
                 std::string("--") + option +
                     ": expected an address of OTLP/HTTP such as http://localhost:4318" + path +
                     ", found " + url,
                 option);
  };
  HttpAddress out;
  std::string rest;
  if (url.starts_with("http://")) {
    rest = url.substr(7);
  } else if (url.starts_with("https://")) {
    rest = url.substr(8);
    out.encrypted = true;
  } else {
    throw wrong();
  }
  const size_t slash = std::min(rest.find('/'), rest.size());
  out.path = slash + 1 < rest.size() ? rest.substr(slash) : path;
  std::string host = rest.substr(0, slash);
  const size_t colon = host.rfind(':');
  const bool has_port = colon != host.npos && host.find(']', colon) == host.npos;
  out.port = has_port ? host.substr(colon + 1) : out.encrypted ? "443" : "80";
  if (has_port) host.resize(colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  out.host = host;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto plain = [](char c) { return c > ' ' && c < 0x7f; };
  if (host.empty() || host.find('@') != host.npos || out.port.empty() || out.port.size() > 5 ||
      !std::ranges::all_of(out.port, digit) || !std::ranges::all_of(url, plain))
    throw wrong();
  return out;
}

int http_post(const HttpAddress& address, const std::string& json,
              std::chrono::milliseconds timeout) {
  asio::io_context io;
  Post post(io, address, json);
  post.start();
  io.run_for(timeout);
  if (const std::optional<int> status = post.status()) return *status;
  throw Error(ErrorCode::kNetwork, address.host + ":" + address.port + ": " +
                                       (post.error().empty() ? "no answer in time" : post.error()));
}

}  // namespace vecton::server
