// Connections against slow, hasty and patient clients, over real sockets, before there is a model.
#include "server/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "server/listener.h"

namespace vecton::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using testing::HasSubstr;
using testing::StartsWith;

class ConnectionTest : public testing::Test {
 protected:
  void TearDown() override {
    if (!thread_.joinable()) return;
    io_.stop();
    thread_.join();
  }

  void serve() {
    options_.host = "127.0.0.1";
    options_.port = 0;
    if (options_.engine.model.empty()) options_.engine.model = "tiny";
    service_.emplace(options_, log_);
    listener_.emplace(io_, *service_, options_, log_);
    const std::string url = listener_->bind();
    port_ = static_cast<uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
    listener_->start();
    thread_ = std::thread([this] { io_.run(); });
  }

  tcp::socket connect() {
    tcp::socket socket(client_);
    socket.connect({asio::ip::address_v4::loopback(), port_});
    return socket;
  }

  static void send(tcp::socket& socket, std::string_view text) {
    asio::write(socket, asio::buffer(text.data(), text.size()));
  }

  // What comes until the server closes.
  static std::string rest(tcp::socket& socket) {
    std::string got;
    boost::system::error_code error;
    asio::read(socket, asio::dynamic_buffer(got), error);
    return got;
  }

  std::string ask(std::string_view text) {
    tcp::socket socket = connect();
    send(socket, text);
    return rest(socket);
  }

  ServerOptions options_;
  const Log log_{ServerOptions::LogLevel::kOff};
  asio::io_context io_, client_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_{io_.get_executor()};
  std::optional<Service> service_;
  std::optional<Listener> listener_;
  uint16_t port_ = 0;
  std::thread thread_;
};

TEST_F(ConnectionTest, AHeadThatDoesNotArriveIsGivenUp) {
  options_.io_timeout = 0.05;
  serve();
  EXPECT_THAT(ask("GET /health HT"), StartsWith("HTTP/1.1 408 "));
}

TEST_F(ConnectionTest, ABodyThatDoesNotArriveIsGivenUp) {
  options_.io_timeout = 0.05;
  serve();
  EXPECT_THAT(ask("POST /embed HTTP/1.1\r\nHost: x\r\nContent-Type: "
                  "application/json\r\nContent-Length: 9\r\n\r\n{"),
              StartsWith("HTTP/1.1 408 "));
}

TEST_F(ConnectionTest, AnIdleConnectionIsClosedWithoutAWord) {
  options_.idle_timeout = 0.05;
  serve();
  EXPECT_EQ(ask(""), "");
  EXPECT_THAT(ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ConnectionTest, ARequestHasOneHost) {
  serve();
  EXPECT_THAT(ask("GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
  const std::string two =
      ask("POST /embed HTTP/1.1\r\nHost: x\r\nHost: y\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(two, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(two, HasSubstr("text/plain"));  // in the words of the route's dialect
  EXPECT_THAT(ask("GET /metrics HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.0 200 "));
}

TEST_F(ConnectionTest, HeadersThatAreTooLargeAreSaidSoInTheBodyToo) {
  serve();
  const std::string answer =
      ask("GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + std::string(100000, 'y') + "\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(answer, HasSubstr("\"code\":431"));
}

TEST_F(ConnectionTest, HeadersThatAreTooLargeAreRefusedInTheWordsOfTheRoute) {
  serve();
  const std::string rest = " HTTP/1.1\r\nHost: x\r\nX: " + std::string(100000, 'y') + "\r\n\r\n";
  EXPECT_THAT(ask("POST /embed" + rest), HasSubstr("text/plain"));
  EXPECT_THAT(ask("POST /v1/embeddings" + rest), HasSubstr("\"code\":431"));
  EXPECT_THAT(ask("POST " + std::string(100000, 'y') + rest), HasSubstr("\"code\":431"));
  // The body that follows is read, or the client would lose the answer.
  EXPECT_THAT(ask("POST /embed HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\nX: " +
                  std::string(100000, 'y') + "\r\n\r\n" + std::string(2000000, 'b')),
              StartsWith("HTTP/1.1 431 "));
}

TEST_F(ConnectionTest, PathsAreDecodedOnceBeforeTheyAreRouted) {
  options_.engine.model = "org/tiny";
  serve();
  const auto get = [&](const std::string& path) {
    return ask("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  };
  EXPECT_THAT(get("/v1/models/org%2Ftiny"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(get("/v1/models/org/tiny"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(get("/v1/models/org%252Ftiny"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(get("/v1%2fmodels"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(get("/v1/models/org%2"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(get("/v1/models/%zz"), StartsWith("HTTP/1.1 404 "));
}

TEST_F(ConnectionTest, WhileTheModelLoadsTheServerIsNeitherHealthyNorReady) {
  serve();
  for (const char* path : {"/health", "/ping", "/"}) {
    EXPECT_THAT(
        ask("GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        StartsWith("HTTP/1.1 503 "))
        << path;
  }
  const std::string ready = ask("GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(ready, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(ready, HasSubstr("Retry-After: "));
  EXPECT_THAT(ask("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
}

TEST_F(ConnectionTest, RequestsThatWaitForTheModelAreAnsweredWhenTheServerStops) {
  serve();
  tcp::socket first = connect();
  send(first,
       "POST /embed HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
       "2\r\n\r\n{}");
  ask("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  tcp::socket idle = connect();
  std::promise<void> drained;
  service_->stop();
  listener_->drain([&] { drained.set_value(); });
  EXPECT_THAT(rest(first), StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(rest(idle), "");
  first.close();
  drained.get_future().wait();
}

TEST_F(ConnectionTest, BodiesThatAreHeldAreBoundedTogether) {
  options_.max_pending_bytes = 1000;
  serve();
  const std::string head =
      "POST /embed HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ";
  tcp::socket first = connect();
  send(first, head + "900\r\nExpect: 100-continue\r\n\r\n");
  std::string go_on(12, ' ');
  asio::read(first, asio::buffer(go_on));
  EXPECT_EQ(go_on, "HTTP/1.1 100");
  const std::string answer = ask(head + "200\r\n\r\n" + std::string(200, ' '));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 429 "));
  EXPECT_THAT(answer, HasSubstr("Retry-After: "));
  first.close();
  service_->stop();
  std::string later;
  do {  // until the server has seen that the first one left
    later = ask(head + "200\r\nConnection: close\r\n\r\n{" + std::string(198, ' ') + "}");
  } while (later.starts_with("HTTP/1.1 429 "));
  EXPECT_THAT(later, StartsWith("HTTP/1.1 503 "));
}

TEST_F(ConnectionTest, AnIdleServerDrainsAtOnce) {
  serve();
  std::promise<void> drained;
  listener_->drain([&] { drained.set_value(); });
  drained.get_future().wait();
}

}  // namespace
}  // namespace vecton::server
