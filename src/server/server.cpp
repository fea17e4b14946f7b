#include "server/server.h"

#include <signal.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <thread>
#include <vector>

#include "base/memory_info.h"
#include "parsers/answer_parser.h"
#include "server/dialect.h"
#include "server/listener.h"
#include "server/log.h"
#include "server/service.h"
#include "server/service_manager.h"
#include "server/tls.h"
#include "vecton/tokenizer.h"
#include "vecton/vecton.h"

namespace vecton::server {

namespace {

namespace asio = boost::asio;

void check_model(const ModelOptions& options) {
  if (!options.chat_template.empty()) ChatTemplate::parse(options.chat_template);  // or its Error
  const auto format = [](const std::string& name) {
    return name == "none" || name == "auto" ? "" : name;
  };
  parsers::AnswerParser known(  // or its Error
      {.formats = {format(options.tool_call_parser), format(options.reasoning_parser)}});
}

void check(const ServerOptions& options) {
  const auto positive = [](double value, const char* name) {
    if (value > 0) return;
    throw Error(ErrorCode::kInvalidArgument, std::string(name) + " must be greater than 0", name);
  };
  positive(static_cast<double>(options.max_body_bytes), "max_body_bytes");
  positive(static_cast<double>(options.max_client_batch_size), "max_client_batch_size");
  positive(static_cast<double>(options.max_connections), "max_connections");
  positive(options.io_threads, "io_threads");
  positive(options.idle_timeout, "idle_timeout");
  positive(options.io_timeout, "io_timeout");
  if (!options.root_path.empty() && !options.root_path.starts_with('/'))
    throw Error(ErrorCode::kInvalidArgument,
                "root_path must begin with '/', found " + options.root_path, "root_path");
  if (options.models.empty()) check_model(options);
  for (const ModelOptions& model : options.models) check_model(model);
}

// The server's life: listening, loading, serving, draining.
class Server {
 public:
  explicit Server(const ServerOptions& options)
      : options_(options),
        log_(options.log_level, options.log_format),
        service_(options_, log_),
        listener_(io_, service_, options_, log_) {}

  int run() {
    log_.flush_on_crash();
    log_.notice("listening on " + listener_.bind());
    wait_for_signal();
    // A terminal that closes ends a server that has nothing to read again.
    const bool files = options_.tls.any() || !options_.api_key_file.empty();
    if (files || !::isatty(STDERR_FILENO)) {
      reload_.add(SIGHUP);
      wait_for_reload();
    }
    if (options_.tls.refresh) {
      tls_files_ = tls_files_state(options_.tls);
      refresh_tls();
    }
    listener_.start();
    std::vector<std::thread> threads;
    for (int i = 0; i < options_.io_threads; ++i) threads.emplace_back([this] { move_bytes(); });
    try {
      load();
    } catch (...) {
      io_.stop();
      for (std::thread& thread : threads) thread.join();
      throw;
    }
    for (std::thread& thread : threads) thread.join();
    log_.notice("stopped");
    return 0;
  }

 private:
  void load() {
    const auto start = std::chrono::steady_clock::now();
    service_.load();
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    log_.notice("ready after " + std::to_string(static_cast<int64_t>(seconds * 1e3)) + " ms");
    notify_service_manager("READY=1");
  }

  // An I/O thread. What one connection could not get (memory) must not end the others.
  void move_bytes() {
    for (;;) {
      try {
        io_.run();
        return;
      } catch (const std::exception& error) {
        log_.error(error.what());
      }
    }
  }

  void wait_for_signal() {
    signals_.async_wait([this](boost::system::error_code error, int number) {
      if (error) return;
      if (signalled_ || !(service_.ready() || service_.models().any_loaded()))
        leave(signalled_ ? 128 + number : 0);  // nothing to finish, or told twice
      signalled_ = true;
      drain();
      wait_for_signal();
    });
  }

  // SIGHUP: what lies in files beside the model is read again. A file that is wrong changes
  // nothing.
  void wait_for_reload() {
    reload_.async_wait([this](boost::system::error_code error, int) {
      if (error) return;
      const bool tls = reload([this] { listener_.reload(); });
      const bool keys = reload([this] { service_.reload(); });
      if (tls && keys) log_.notice("reloaded");
      wait_for_reload();
    });
  }

  // Looks for new certificates, which others put in place of the old ones.
  void refresh_tls() {
    constexpr auto kEvery = std::chrono::seconds(5);
    refresh_.expires_after(kEvery);
    refresh_.async_wait([this](boost::system::error_code error) {
      if (error || signalled_) return;
      if (std::string state = tls_files_state(options_.tls); state != tls_files_) {
        tls_files_ = std::move(state);
        reload([this] { listener_.reload(); });
      }
      refresh_tls();
    });
  }

  bool reload(const std::function<void()>& read) {
    try {
      read();
      return true;
    } catch (const Error& wrong) {
      log_.error(std::string("not reloaded: ") + wrong.what());
      return false;
    }
  }

  void drain() {
    log_.notice("stopping: finishing what was accepted");
    notify_service_manager("STOPPING=1");
    service_.stop();
    grace_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        std::chrono::duration<double>(options_.grace_period)));
    grace_.async_wait([this](boost::system::error_code error) {
      if (error) return;
      log_.notice("the grace period is over: requests are given up");
      leave(0);
    });
    listener_.drain([this] {
      if (service_.models().any_loading()) leave(0);  // which may take long
      io_.stop();
    });
  }

  // Ends the process without waiting for a forward pass.
  [[noreturn]] void leave(int status) {
    if (!options_.uds.empty()) ::unlink(options_.uds.c_str());
    log_.flush();
    std::_Exit(status);
  }

  const ServerOptions options_;
  const Log log_;
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_{io_.get_executor()};
  asio::signal_set signals_{io_, SIGINT, SIGTERM}, reload_{io_};
  asio::steady_timer grace_{io_}, refresh_{io_};
  std::string tls_files_;  // as they were read
  bool signalled_ = false;
  Service service_;
  Listener listener_;
};

}  // namespace

int run_server(const ServerOptions& options) {
  check(options);
  base::keep_large_blocks_apart();
  ::signal(SIGPIPE, SIG_IGN);
  return Server(options).run();
}

}  // namespace vecton::server
