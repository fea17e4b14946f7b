// Listener: the sockets that a server accepts on, and the connections that came.
//
// bind() on the thread that starts the server, the rest from any thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/connection.h"

namespace vecton::server {

class Listener {
 public:
  Listener(boost::asio::io_context& io, Service& service, const ServerOptions& options,
           const Log& log);
  ~Listener();

  // Takes the sockets that a service manager gave, or binds to every address of the host, or to the
  // Unix socket. Throws Error (kIo, kInvalidArgument). Returns what to call:
  // "http://127.0.0.1:8000".
  std::string bind();
  void start();

  // Reads the certificate again, for connections that come from now on. Throws Error and changes
  // nothing when it is wrong.
  void reload();

  // Accepts no more and lets the connections finish; `done` is called once when none is left.
  void drain(std::function<void()> done);

 private:
  struct Acceptor;

  std::shared_ptr<Transport::Tls> read_tls() const;
  const char* scheme() const { return tls_ ? "https://" : "http://"; }
  std::string take(int socket);
  std::string bind_tcp();
  std::string bind_unix();
  void accept(Acceptor& acceptor);
  void on_accept(Acceptor& acceptor, boost::system::error_code error, Connection::Socket socket,
                 std::string peer);
  void add(Connection::Socket socket, std::string peer);
  void ended(Connection* connection);

  boost::asio::io_context& io_;
  Service& service_;
  const ServerOptions& options_;
  const Log& log_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;

  std::mutex mutex_;                     // guards what follows
  std::shared_ptr<Transport::Tls> tls_;  // null: plain HTTP
  std::unordered_map<Connection*, std::weak_ptr<Connection>> connections_;
  std::vector<Acceptor*> waiting_;  // for a connection to end
  std::function<void()> drained_;
  bool draining_ = false;
};

}  // namespace vecton::server
