#include "server/connection.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <sstream>
#include <utility>

#include "base/percent.h"
#include "server/answer_memory.h"
#include "server/byte_stream.h"
#include "server/routes.h"

namespace vecton::server {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr size_t kWatchBytes = 4 << 10;        // of the next request, read while idle
constexpr uint32_t kMaxHeadBytes = 64 << 10;   // request line and headers
constexpr size_t kMaxLingerBytes = 256 << 20;  // thrown away of a refused body
constexpr double kLingerSeconds = 10;
constexpr double kKeepAliveSeconds = 10;  // without a byte of an answer that is being made
constexpr double kMaxReadTimeouts =
    20;  // a body that trickles in may take so many times the timeout

std::string text(boost::beast::string_view view) { return {view.data(), view.size()}; }

std::string query_of(std::string_view target) {
  target = target.substr(0, target.find('#'));
  return std::string(target.substr(std::min(target.find('?'), target.size() - 1) + 1));
}

// The path of a request's target: no query, no host, no slash at its end.
std::string path_of(std::string_view target) {
  if (const size_t host = target.find("://");
      host != std::string_view::npos && !target.starts_with('/')) {
    const size_t slash = target.find('/', host + 3);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  target = target.substr(0, target.find_first_of("?#"));
  while (target.size() > 1 && target.ends_with('/')) target.remove_suffix(1);
  return base::percent_decoded(target);
}

template <typename Message>
HttpRequest head_of(const Message& message, const std::string& peer, const ServerOptions& options) {
  HttpRequest head;
  head.method = text(message.method_string());
  head.path = without_root(path_of(text(message.target())), options.root_path);
  head.query = query_of(text(message.target()));
  head.peer = peer;
  head.authorization = text(message[http::field::authorization]);
  if (head.authorization.empty() && !message["x-api-key"].empty())  // Anthropic's clients
    head.authorization = "Bearer " + text(message["x-api-key"]);
  head.content_type = text(message[http::field::content_type]);
  head.content_encoding = text(message[http::field::content_encoding]);
  head.origin = text(message[http::field::origin]);
  head.request_id = text(message["X-Request-Id"]);
  if (!options.otlp_traces_endpoint.empty()) head.traceparent = text(message["traceparent"]);
  head.accept = text(message[http::field::accept]);
  head.if_none_match = text(message[http::field::if_none_match]);
  head.asked_headers = text(message[http::field::access_control_request_headers]);
  return head;
}

// RFC 9112, 3.2: every request of HTTP/1.1 has one Host, and none has several.
template <typename Message>
bool has_one_host(const Message& message) {
  const auto count = message.count(http::field::host);
  return count == 1 || (count == 0 && message.version() < 11);
}

std::string http_date() {  // "Sun, 06 Nov 1994 08:49:37 GMT"
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

}  // namespace

Connection::Connection(Socket socket, std::shared_ptr<Transport::Tls> tls, std::string peer,
                       Service& service, const ServerOptions& options,
                       std::function<void(Connection*)> ended)
    : transport_(std::move(socket), std::move(tls)),
      peer_(std::move(peer)),
      service_(service),
      options_(options),
      ended_(std::move(ended)),
      timer_(transport_.get_executor()) {}

void Connection::start() {
  service_.metrics().connection(1);
  if (!transport_.encrypted()) return next_request();
  set_deadline(options_.io_timeout);
  transport_.async_handshake(
      [self = shared_from_this()](ErrorCode error) { self->on_handshake(error); });
}

void Connection::on_handshake(ErrorCode error) {
  if (phase_ == Phase::kClosed) return;
  if (!error) return next_request();
  service_.note_handshake(peer_, error.message());
  close();
}

void Connection::drain() {
  draining_ = true;
  if (phase_ == Phase::kIdle && buffer_.size() == 0) close();
}

void Connection::close() {
  if (phase_ == Phase::kClosed) return;
  if (job_) job_->cancel();               // it is not answered, or not to the end
  if (stream_) stream_->listen(nullptr);  // it holds this connection
  stream_.reset();
  job_.reset();  // it holds this connection, to answer it
  phase_ = Phase::kClosed;
  give_room();
  service_.metrics().connection(-1);
  timer_.cancel();
  ErrorCode ignored;
  transport_.socket().shutdown(asio::socket_base::shutdown_both, ignored);
  transport_.socket().close(ignored);
  ended_(this);
}

// What happens after `seconds` without another call: on_deadline.
void Connection::set_deadline(double seconds) {
  timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(seconds)));
  timer_.async_wait([self = shared_from_this()](ErrorCode error) {
    // A wait that ended while the deadline was moved is not the deadline.
    if (!error && self->timer_.expiry() <= std::chrono::steady_clock::now()) self->on_deadline();
  });
}

void Connection::on_deadline() {
  if (phase_ == Phase::kStreaming && stream_waits_) {
    stream_waits_ = false;
    return write_chunk(keep_alive_, false);
  }
  if (phase_ != Phase::kReading) return close();
  late_ = true;  // the read that is on its way ends, and its handler answers
  ErrorCode ignored;
  transport_.socket().cancel(ignored);
}

void Connection::next_request() {
  phase_ = Phase::kIdle;
  if (buffer_.size() > 0) return read_head();
  if (draining_) return close();
  set_deadline(options_.idle_timeout);
  if (!watching_) watch();
}

// Waits for the first bytes of the next request, or for the client to leave: also while it waits
// for an answer.
void Connection::watch() {
  watching_ = true;
  transport_.async_read_some(buffer_.prepare(kWatchBytes),
                             [self = shared_from_this()](ErrorCode error, size_t bytes) {
                               self->on_watched(error, bytes);
                             });
}

void Connection::on_watched(ErrorCode error, size_t bytes) {
  watching_ = false;
  if (phase_ == Phase::kClosed) return;
  if (error && phase_ == Phase::kWriting) keep_ = false;  // it sends no more, but may still read
  if (error) return phase_ == Phase::kWriting ? void() : close();
  buffer_.commit(bytes);
  if (phase_ == Phase::kIdle) return read_head();
  if (phase_ == Phase::kLingering) linger();
}

void Connection::read_head() {
  phase_ = Phase::kReading;
  late_ = false;
  read_start_ = std::chrono::steady_clock::now();
  parser_.emplace();
  parser_->header_limit(kMaxHeadBytes);
  parser_->body_limit(static_cast<uint64_t>(options_.max_body_bytes));
  set_deadline(options_.io_timeout);
  http::async_read_header(
      transport_, buffer_, *parser_,
      [self = shared_from_this()](ErrorCode error, size_t) { self->on_head(error); });
}

void Connection::on_head(ErrorCode error) {
  if (phase_ != Phase::kReading) return;
  if (error || late_) return on_read_error(error);
  const auto& message = parser_->get();
  head_ = head_of(message, peer_, options_);
  version_ = message.version();
  keep_ = message.keep_alive() && !draining_;
  is_head_ = message.method() == http::verb::head;
  if (!has_one_host(message)) {
    const bool none = message.count(http::field::host) == 0;
    parser_.reset();
    return respond(service_.refuse(
                       head_, Failure(Cause::kHttp, none ? "the request has no Host header"
                                                         : "the request has several Host headers")),
                   false);
  }
  if (std::optional<HttpResponse> refusal = service_.refuse_early(head_)) {
    const bool whole = parser_->is_done();
    parser_.reset();
    return respond(std::move(*refusal), whole && keep_);
  }
  if (!take_room()) return;
  if (boost::beast::iequals(message[http::field::expect], "100-continue")) return send_continue();
  read_body();
}

void Connection::send_continue() {
  static constexpr char kContinue[] = "HTTP/1.1 100 Continue\r\n\r\n";
  asio::async_write(transport_, asio::buffer(kContinue, sizeof kContinue - 1),
                    [self = shared_from_this()](ErrorCode error, size_t) {
                      if (self->phase_ != Phase::kReading) return;
                      if (error || self->late_) return self->on_read_error(error);
                      self->read_body();
                    });
}

void Connection::read_body() {
  if (!take_room()) return;
  if (parser_->is_done()) return dispatch();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - read_start_;
  late_ = taken.count() > kMaxReadTimeouts * options_.io_timeout;
  if (late_) return on_read_error({});
  set_deadline(options_.io_timeout);
  http::async_read_some(transport_, buffer_, *parser_,
                        [self = shared_from_this()](ErrorCode error, size_t) {
                          if (self->phase_ != Phase::kReading) return;
                          if (error || self->late_) return self->on_read_error(error);
                          self->read_body();
                        });
}

// Room for the body, at once when its length is known, else as it grows. False: refused and
// answered.
bool Connection::take_room() {
  const uint64_t bytes = parser_->content_length().value_or(parser_->get().body().size());
  const int64_t more = static_cast<int64_t>(bytes) - room_;
  if (more <= 0) return true;
  if (service_.take_room(more)) {
    room_ += more;
    return true;
  }
  parser_.reset();
  respond(
      service_.refuse(
          head_, Failure(Cause::kQueueFull,
                         "the server holds as many bytes of requests as it may; try again later")),
      false);
  return false;
}

void Connection::give_room() {
  service_.give_room(room_);
  room_ = 0;
}

void Connection::on_read_error(ErrorCode error) {
  // Of a head that breaks off, or is too long, the first line says the route and so the dialect.
  const bool has_head = !parser_->get().target().empty();
  if (has_head) {
    head_ = head_of(parser_->get(), peer_, options_);
    version_ = parser_->get().version();
  } else {
    head_ = {.method = "-", .path = "-", .peer = peer_};
  }
  parser_.reset();
  is_head_ = false;
  if (late_) {
    return respond(
        service_.refuse(head_, Failure(Cause::kSlow, "the request did not arrive in time")), false);
  }
  if (error == http::error::body_limit) {
    // Who may not ask is told so, rather than how much it may send.
    if (std::optional<HttpResponse> refusal = service_.refuse_early(head_))
      return respond(std::move(*refusal), false);
    return respond(service_.refuse(head_, Failure(Cause::kBodySize,
                                                  "the body is larger than the " +
                                                      std::to_string(options_.max_body_bytes) +
                                                      " bytes that are taken")),
                   false);
  }
  const bool protocol =
      error.category() == http::make_error_code(http::error::bad_method).category();
  if (!protocol || error == http::error::end_of_stream || error == http::error::partial_message)
    return close();
  const bool too_large = error == http::error::header_limit;
  respond(
      service_.refuse(
          head_, too_large ? Failure(Cause::kHeadSize, "the headers are larger than the " +
                                                           std::to_string(kMaxHeadBytes) +
                                                           " bytes that are taken")
                           : Failure(Cause::kHttp, "not a valid HTTP request: " + error.message())),
      false);
}

void Connection::dispatch() {
  phase_ = Phase::kWorking;
  timer_.cancel();
  HttpRequest request = head_;
  request.body = std::move(parser_->get().body());
  parser_.reset();
  if (buffer_.size() == 0 && !watching_) watch();
  job_ = service_.handle(std::move(request), [self = shared_from_this()](HttpResponse answer) {
    asio::post(self->executor(), [self, answer = std::move(answer)]() mutable {
      if (self->phase_ == Phase::kWorking) self->respond(std::move(answer), self->keep_);
    });
  });
}

void Connection::respond(HttpResponse answer, bool keep) {
  give_room();
  keep_ = keep && !draining_;
  if (answer.stream) return begin_stream(std::move(answer));
  phase_ = Phase::kWriting;
  job_.reset();
  set_head(answer);
  response_.body() = std::move(answer.body);
  if (answer.status == 204 || answer.status == 304) {
    response_.body().clear();
  } else {
    response_.content_length(response_.body().size());
    if (is_head_) response_.body().clear();
  }
  serializer_.emplace(response_);
  write_some();
}

void Connection::write_some() {
  set_deadline(options_.io_timeout);
  http::async_write_some(transport_, *serializer_,
                         [self = shared_from_this()](ErrorCode error, size_t) {
                           if (self->phase_ != Phase::kWriting) return;
                           if (error && error != http::error::end_of_stream) return self->close();
                           self->serializer_->is_done() ? self->on_written() : self->write_some();
                         });
}

void Connection::set_head(const HttpResponse& answer) {
  response_ = Response{static_cast<http::status>(answer.status), version_};
  response_.set(http::field::server, "vecton");
  response_.set(http::field::date, http_date());
  if (!answer.content_type.empty()) response_.set(http::field::content_type, answer.content_type);
  for (const auto& [name, value] : answer.headers) response_.set(name, value);
  response_.keep_alive(keep_);
}

// The body is sent in chunks; to HTTP/1.0, which has none, until the connection closes.
void Connection::begin_stream(HttpResponse answer) {
  phase_ = Phase::kStreaming;
  stream_ = std::move(answer.stream);
  keep_alive_ = std::move(answer.keep_alive);
  if (version_ < 11) keep_ = false;
  set_head(answer);
  if (version_ >= 11) response_.chunked(true);
  std::ostringstream head;
  head << response_.base();
  chunk_ = std::move(head).str();
  stream_->listen([self = shared_from_this()] {
    asio::post(self->executor(), [self] {
      if (self->phase_ != Phase::kStreaming || !self->stream_waits_) return;
      self->stream_waits_ = false;
      self->stream();
    });
  });
  set_deadline(options_.io_timeout);
  asio::async_write(transport_, asio::buffer(chunk_),
                    [self = shared_from_this()](ErrorCode error, size_t) {
                      if (self->phase_ != Phase::kStreaming) return;
                      error ? self->close() : self->stream();
                    });
}

// Sends what there is of the body, or waits for more.
void Connection::stream() {
  bool ended = false;
  const std::string bytes = stream_->take(ended);
  if (!bytes.empty() || ended) return write_chunk(bytes, ended);
  stream_waits_ = true;
  set_deadline(kKeepAliveSeconds);
}

void Connection::write_chunk(std::string_view bytes, bool ended) {
  chunk_.clear();
  if (version_ < 11) {
    chunk_ = bytes;
  } else {
    if (!bytes.empty()) {
      char size[24];
      std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
      chunk_.append(size).append(bytes).append("\r\n");
    }
    if (ended) chunk_ += "0\r\n\r\n";
  }
  set_deadline(options_.io_timeout);
  asio::async_write(transport_, asio::buffer(chunk_),
                    [self = shared_from_this(), ended](ErrorCode error, size_t) {
                      if (self->phase_ != Phase::kStreaming) return;
                      if (error) return self->close();
                      if (!ended) return self->stream();
                      self->stream_->listen(nullptr);
                      self->stream_.reset();
                      self->job_.reset();
                      self->on_written();
                    });
}

void Connection::on_written() {
  serializer_.reset();
  give_back_answer(response_.body());
  response_ = {};
  if (keep_) return next_request();
  phase_ = Phase::kLingering;
  lingered_ = 0;
  set_deadline(kLingerSeconds);
  ending_ = true;
  transport_.async_end([self = shared_from_this()] {
    self->ending_ = false;
    if (self->phase_ == Phase::kLingering) self->linger();
  });
}

// A socket that is closed with unread bytes resets the connection, and the client may lose the
// answer: read on until it closes.
void Connection::linger() {
  if (watching_ || ending_) return;
  lingered_ += buffer_.size();
  buffer_.consume(buffer_.size());
  if (lingered_ > kMaxLingerBytes) return close();
  watch();
}

}  // namespace vecton::server
