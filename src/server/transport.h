// Transport: the bytes of one connection, plain or through TLS, as Asio and Beast read and write
// them. On one strand, as the socket is.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <memory>
#include <optional>
#include <utility>

namespace vecton::server {

class Transport {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;
  using executor_type = Socket::executor_type;
  using Tls = boost::asio::ssl::context;

  // `tls`: null for plain bytes.
  Transport(Socket socket, std::shared_ptr<Tls> tls) : socket_(std::move(socket)) {
    if (!tls) return;
    tls_ = std::move(tls);
    stream_.emplace(socket_, *tls_);
  }

  executor_type get_executor() { return socket_.get_executor(); }
  Socket& socket() { return socket_; }
  bool encrypted() const { return stream_.has_value(); }

  template <class Handler>
  void async_handshake(Handler&& handler) {
    stream_->async_handshake(boost::asio::ssl::stream_base::server, std::forward<Handler>(handler));
  }

  template <class Buffers, class Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    if (stream_ && !ended_) {
      stream_->async_read_some(buffers, std::forward<Handler>(handler));
    } else {
      socket_.async_read_some(buffers, std::forward<Handler>(handler));
    }
  }

  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    if (stream_) {
      stream_->async_write_some(buffers, std::forward<Handler>(handler));
    } else {
      socket_.async_write_some(buffers, std::forward<Handler>(handler));
    }
  }

  // Tells the other side that no more comes, then calls `handler()`. What is read from then on is
  // what came over the wire, to be thrown away.
  template <class Handler>
  void async_end(Handler handler) {
    const auto end = [this] {
      boost::system::error_code ignored;
      ended_ = true;
      socket_.shutdown(Socket::shutdown_send, ignored);
    };
    if (!stream_) {
      end();
      return handler();
    }
    stream_->async_shutdown([end, handler](boost::system::error_code) {
      end();
      handler();
    });
  }

 private:
  Socket socket_;
  std::shared_ptr<Tls> tls_;  // null: plain
  std::optional<boost::asio::ssl::stream<Socket&>> stream_;
  bool ended_ = false;
};

}  // namespace vecton::server
