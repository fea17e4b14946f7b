// Connection: one client's socket. Reads requests one after the other, hands them to the Service
// and writes its answers.
//
// Lives on a strand of the I/O threads: everything but the constructor runs there. Kept alive by
// its own operations; it ends by closing its socket, and tells so once through `ended`.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/service.h"
#include "server/transport.h"

namespace vecton::server {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = Transport::Socket;

  // `tls`: null for plain HTTP.
  Connection(Socket socket, std::shared_ptr<Transport::Tls> tls, std::string peer, Service& service,
             const ServerOptions& options, std::function<void(Connection*)> ended);

  void start();
  // Answers what has begun to arrive, then closes; an idle connection closes at once.
  void drain();
  void close();

  Socket::executor_type executor() { return transport_.get_executor(); }

 private:
  using ErrorCode = boost::system::error_code;
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Response = boost::beast::http::response<boost::beast::http::string_body>;
  using Serializer = boost::beast::http::response_serializer<boost::beast::http::string_body>;

  // kIdle: between requests, and until keys are agreed upon; kReading; kWorking: the Service has
  // the request; kWriting; kStreaming: the head of the answer is out and its body is still being
  // made; kLingering: the answer is out and what the client still sends is thrown away, so that it
  // gets to read the answer; kClosed.
  enum class Phase { kIdle, kReading, kWorking, kWriting, kStreaming, kLingering, kClosed };

  void set_deadline(double seconds);
  void on_deadline();

  void on_handshake(ErrorCode error);
  void next_request();
  void watch();
  void on_watched(ErrorCode error, size_t bytes);
  void read_head();
  void on_head(ErrorCode error);
  void send_continue();
  void read_body();
  bool take_room();
  void give_room();
  void on_read_error(ErrorCode error);
  void dispatch();

  void respond(HttpResponse answer, bool keep);
  void set_head(const HttpResponse& answer);
  void write_some();
  void begin_stream(HttpResponse answer);
  void stream();
  void write_chunk(std::string_view bytes, bool ended);
  void on_written();
  void linger();

  Transport transport_;
  const std::string peer_;
  Service& service_;
  const ServerOptions& options_;
  std::function<void(Connection*)> ended_;
  boost::asio::steady_timer timer_;
  boost::beast::flat_buffer buffer_;
  Phase phase_ = Phase::kIdle;
  bool ending_ = false;    // the other side is being told that no more comes
  bool watching_ = false;  // a read of the next request's first bytes is on its way
  bool draining_ = false;
  bool late_ = false;  // the request did not arrive in time
  std::chrono::steady_clock::time_point read_start_;

  std::optional<Parser> parser_;
  HttpRequest head_;  // the request being read or answered, without its body
  bool keep_ = false, is_head_ = false;
  unsigned version_ = 11;
  std::shared_ptr<Job> job_;
  Response response_;
  std::optional<Serializer> serializer_;
  std::shared_ptr<ByteStream> stream_;
  std::string keep_alive_, chunk_;
  bool stream_waits_ = false;  // for more of its body
  int64_t room_ = 0;           // of the Service, taken for the body
  size_t lingered_ = 0;
};

}  // namespace vecton::server
