#include "server/listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <chrono>
#include <utility>

#include "server/service_manager.h"
#include "server/tls.h"

namespace vecton::server {

namespace asio = boost::asio;
using asio::ip::tcp;
using Unix = asio::local::stream_protocol;

namespace {

constexpr int kBacklog = 4096;
constexpr auto kAcceptPause =
    std::chrono::milliseconds(50);  // after an error such as too many open files

std::string address_of(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" +
         std::to_string(endpoint.port());
}

[[noreturn]] void refuse(const std::string& where, const boost::system::error_code& error) {
  throw Error(ErrorCode::kIo, "cannot listen on " + where + ": " + error.message());
}

}  // namespace

// One listening socket, on a strand of its own: TCP or Unix.
struct Listener::Acceptor {
  explicit Acceptor(asio::io_context& io)
      : strand(asio::make_strand(io)), tcp(strand), local(strand), pause(strand) {}

  asio::any_io_executor strand;
  asio::ip::tcp::acceptor tcp;
  Unix::acceptor local;
  asio::steady_timer pause;
};

Listener::Listener(asio::io_context& io, Service& service, const ServerOptions& options,
                   const Log& log)
    : io_(io), service_(service), options_(options), log_(log) {}

Listener::~Listener() {
  if (!options_.uds.empty() && !acceptors_.empty()) ::unlink(options_.uds.c_str());
}

std::string Listener::bind() {
  tls_ = read_tls();
  std::string given;
  for (const int socket : take_given_sockets()) {
    const std::string name = take(socket);
    if (given.empty()) given = name;
  }
  if (!given.empty()) return given;
  return options_.uds.empty() ? bind_tcp() : bind_unix();
}

// A socket that listens already, and whose address others have chosen.
std::string Listener::take(int socket) {
  const std::string name = "the socket given as " + std::to_string(socket);
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  int listens = 0;
  socklen_t flag_size = sizeof listens;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      ::getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &flag_size) != 0 || !listens)
    throw Error(ErrorCode::kIo, name + " is none that listens for connections (LISTEN_FDS)");
  auto acceptor = std::make_unique<Acceptor>(io_);
  boost::system::error_code error;
  std::string url = "unix";
  if (address.ss_family == AF_UNIX) {
    acceptor->local.assign(Unix(), socket, error);
  } else {
    acceptor->tcp.assign(address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), socket, error);
    if (!error) url = scheme() + address_of(acceptor->tcp.local_endpoint());
  }
  if (error) refuse(name, error);
  acceptors_.push_back(std::move(acceptor));
  return url;
}

std::shared_ptr<Transport::Tls> Listener::read_tls() const {
  if (!options_.tls.any()) return nullptr;
  std::shared_ptr<Transport::Tls> tls = make_tls(options_.tls);
  log_.notice("certificate: " + describe_certificate(*tls));
  return tls;
}

void Listener::reload() {
  std::shared_ptr<Transport::Tls> tls = read_tls();
  const std::lock_guard lock(mutex_);
  tls_.swap(tls);
}

std::string Listener::bind_tcp() {
  const std::string host = options_.host.empty() ? "0.0.0.0" : options_.host;
  if (options_.port < 0 || options_.port > 65535) {
    throw Error(ErrorCode::kInvalidArgument,
                "port " + std::to_string(options_.port) + " is not from 0 to 65535", "port");
  }
  boost::system::error_code error;
  tcp::resolver resolver(io_);
  const auto endpoints =
      resolver.resolve(host, std::to_string(options_.port),
                       tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (error)
    throw Error(ErrorCode::kInvalidArgument,
                "host " + host +
                    ": no address of this name is found; expected an IP address, a name of this "
                    "machine, or 0.0.0.0 for every address",
                "host");
  std::string first;
  uint16_t port = static_cast<uint16_t>(options_.port);
  for (const auto& entry : endpoints) {
    const tcp::endpoint endpoint(entry.endpoint().address(), port);
    auto acceptor = std::make_unique<Acceptor>(io_);
    acceptor->tcp.open(endpoint.protocol(), error);
    if (!error) acceptor->tcp.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && endpoint.address().is_v6())
      acceptor->tcp.set_option(asio::ip::v6_only(endpoints.size() > 1), error);
    if (!error) acceptor->tcp.bind(endpoint, error);
    if (!error) acceptor->tcp.listen(kBacklog, error);
    if (error) {  // a name may have an address of a kind that this machine lacks
      if (endpoints.size() > 1 && error != asio::error::address_in_use) continue;
      refuse(address_of(endpoint), error);
    }
    port = acceptor->tcp.local_endpoint().port();
    if (first.empty()) first = scheme() + address_of(acceptor->tcp.local_endpoint());
    acceptors_.push_back(std::move(acceptor));
  }
  if (acceptors_.empty()) refuse(host, error);
  return first;
}

std::string Listener::bind_unix() {
  struct stat found {};
  if (::stat(options_.uds.c_str(), &found) == 0 && S_ISSOCK(found.st_mode))
    ::unlink(options_.uds.c_str());
  auto acceptor = std::make_unique<Acceptor>(io_);
  boost::system::error_code error;
  try {
    const Unix::endpoint endpoint(options_.uds);
    acceptor->local.open(endpoint.protocol(), error);
    if (!error) acceptor->local.bind(endpoint, error);
    if (!error) acceptor->local.listen(kBacklog, error);
  } catch (const boost::system::system_error& e) {  // a path that is too long
    error = e.code();
  }
  if (error) refuse(options_.uds, error);
  acceptors_.push_back(std::move(acceptor));
  return "unix:" + options_.uds;
}

void Listener::start() {
  for (const auto& acceptor : acceptors_) {
    asio::post(acceptor->strand, [this, a = acceptor.get()] { accept(*a); });
  }
}

void Listener::accept(Acceptor& acceptor) {
  {
    const std::lock_guard lock(mutex_);
    if (draining_) return;
    if (static_cast<int64_t>(connections_.size()) >= options_.max_connections) {
      waiting_.push_back(&acceptor);
      return;
    }
  }
  const asio::any_io_executor strand = asio::make_strand(io_);
  if (acceptor.tcp.is_open()) {
    acceptor.tcp.async_accept(
        strand, [this, &acceptor](boost::system::error_code error, tcp::socket socket) {
          boost::system::error_code ignored;
          std::string peer;
          if (!error) {
            socket.set_option(tcp::no_delay(true), ignored);
            peer = address_of(socket.remote_endpoint(ignored));
          }
          on_accept(acceptor, error, Connection::Socket(std::move(socket)), std::move(peer));
        });
  } else if (acceptor.local.is_open()) {
    acceptor.local.async_accept(
        strand, [this, &acceptor](boost::system::error_code error, Unix::socket socket) {
          on_accept(acceptor, error, Connection::Socket(std::move(socket)), "unix");
        });
  }
}

void Listener::on_accept(Acceptor& acceptor, boost::system::error_code error,
                         Connection::Socket socket, std::string peer) {
  if (error == asio::error::operation_aborted) return;
  if (!error) {
    add(std::move(socket), std::move(peer));
    return accept(acceptor);
  }
  log_.error("accept: " + error.message());
  acceptor.pause.expires_after(kAcceptPause);
  acceptor.pause.async_wait([this, &acceptor](boost::system::error_code stopped) {
    if (!stopped) accept(acceptor);
  });
}

void Listener::add(Connection::Socket socket, std::string peer) {
  std::shared_ptr<Connection> connection;
  {
    const std::lock_guard lock(mutex_);
    connection =
        std::make_shared<Connection>(std::move(socket), tls_, std::move(peer), service_, options_,
                                     [this](Connection* which) { ended(which); });
    if (draining_) return;  // accepted in the last moment, nothing read: as if refused
    connections_.emplace(connection.get(), connection);
  }
  asio::dispatch(connection->executor(), [connection] { connection->start(); });
}

void Listener::ended(Connection* connection) {
  std::function<void()> drained;
  Acceptor* next = nullptr;
  {
    const std::lock_guard lock(mutex_);
    connections_.erase(connection);
    if (!waiting_.empty()) {
      next = waiting_.back();
      waiting_.pop_back();
    }
    if (connections_.empty()) drained.swap(drained_);
  }
  if (next) asio::post(next->strand, [this, next] { accept(*next); });
  if (drained) drained();
}

void Listener::drain(std::function<void()> done) {
  std::vector<std::shared_ptr<Connection>> open;
  {
    const std::lock_guard lock(mutex_);
    draining_ = true;
    for (const auto& [pointer, weak] : connections_) {
      if (auto connection = weak.lock()) open.push_back(std::move(connection));
    }
    if (!connections_.empty()) drained_.swap(done);
  }
  for (const auto& acceptor : acceptors_) {
    asio::post(acceptor->strand, [a = acceptor.get()] {
      boost::system::error_code ignored;
      a->tcp.close(ignored);
      a->local.close(ignored);
      a->pause.cancel();
    });
  }
  if (done) return done();
  for (const auto& connection : open)
    asio::post(connection->executor(), [connection] { connection->drain(); });
}

}  // namespace vecton::server
