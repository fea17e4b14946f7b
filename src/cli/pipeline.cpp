#include "cli/pipeline.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <future>
#include <optional>
#include <string_view>

#include "cli/failure.h"
#include "cli/interrupt.h"

namespace vecton::cli {

namespace {

class Pipeline {
 public:
  Pipeline(Engine& engine, RecordReader& reader, const Window& window, const Stages& stages)
      : engine_(engine), reader_(reader), window_(window), stages_(stages) {}

  void run() {
    try {
      while (read_batch()) {
        submit(std::move(batch_));
        while (pending_.size() >= window_.ahead) finish_oldest();
      }
      while (!pending_.empty()) finish_oldest();
    } catch (const Interrupted&) {
      finish_complete();
      throw;
    } catch (const Failure&) {  // of reading: what came before it counts
      while (!failed_ && !pending_.empty()) finish_oldest();
      throw;
    }
  }

 private:
  struct Pending {
    std::vector<Record> records;
    std::future<std::vector<Result>> results;
  };

  // Fills batch_; false at the end of the input. Never waits for more input while results are
  // outstanding.
  bool read_batch() {
    batch_.clear();
    size_t bytes = 0;
    while (batch_.size() < window_.batch && bytes < window_.batch_bytes) {
      InterruptGuard::check();
      if (!reader_.ready()) {
        if (!batch_.empty()) break;
        while (!pending_.empty()) finish_oldest();
        stages_.idle();
      }
      Record record;
      bool more = false;
      try {
        more = reader_.next(record);
      } catch (const Failure&) {
        if (!batch_.empty()) submit(std::move(batch_));
        throw;
      }
      if (!more) break;
      record.share = reader_.share();
      bytes += record.bytes();
      batch_.push_back(std::move(record));
    }
    return !batch_.empty();
  }

  void submit(std::vector<Record> records) {
    std::vector<Request> requests;
    requests.reserve(records.size());
    for (const Record& record : records) requests.push_back(stages_.request(record));
    try {
      auto results = engine_.submit(std::move(requests), Engine::WhenFull::kWait);
      pending_.push_back({std::move(records), std::move(results)});
    } catch (const Error& error) {
      if (records.size() == 1) {
        while (!pending_.empty()) finish_oldest();  // they come before it
        refuse(records.front(), error);
      }
      // One of them is wrong: alone, each tells for itself.
      for (Record& record : records) {
        std::vector<Record> one;
        one.push_back(std::move(record));
        submit(std::move(one));
      }
    }
  }

  void finish_oldest() {
    using namespace std::chrono_literals;
    while (pending_.front().results.wait_for(50ms) != std::future_status::ready) {
      InterruptGuard::check();
    }
    Pending done = std::move(pending_.front());
    pending_.pop_front();
    std::vector<Result> results = done.results.get();
    failed_ = true;  // unless all of them are handed over
    for (size_t i = 0; i < results.size(); ++i) {
      if (results[i].error()) refuse(done.records[i], *results[i].error());
      stages_.result(done.records[i], std::move(results[i]));
    }
    failed_ = false;
  }

  // Hands over what is ready, without waiting.
  void finish_complete() {
    using namespace std::chrono_literals;
    while (!pending_.empty() &&
           pending_.front().results.wait_for(0s) == std::future_status::ready) {
      finish_oldest();
    }
  }

  [[noreturn]] void refuse(const Record& record, const Error& error) const {
    constexpr std::string_view kOfRecords[] = {"input", "document", "pair"};
    const bool is_option = error.code() == ErrorCode::kInvalidArgument &&
                           std::ranges::count(kOfRecords, error.field()) == 0;
    if (is_option) throw error;  // every record would meet it
    std::string message = reader_.where(record) + ": " + error.what();
    if (error.code() == ErrorCode::kTooLong)
      message += " (--truncate cuts texts to what the model takes)";
    throw Failure(exit_status_of_text(error.code()), message);
  }

  Engine& engine_;
  RecordReader& reader_;
  const Window& window_;
  const Stages& stages_;
  std::deque<Pending> pending_;
  std::vector<Record> batch_;
  bool failed_ = false;  // a result could not be handed over: what follows it does not count
};

}  // namespace

void run_pipeline(Engine& engine, RecordReader& reader, const Window& window,
                  const Stages& stages) {
  Pipeline(engine, reader, window, stages).run();
}

}  // namespace vecton::cli
