// ResumableRun: records through an engine, a line or more for each, to a stream or to a file that
// an interrupted run goes on with.
#pragma once

#include <functional>
#include <string>

#include "base/json.h"
#include "cli/fingerprint.h"
#include "cli/output.h"
#include "cli/pipeline.h"
#include "cli/record_reader.h"
#include "vecton/vecton.h"

namespace vecton::cli {

class ResumableRun {
 public:
  struct Parts {
    std::function<Request(const Record&)> request;
    std::function<void(std::string& out, int64_t index, const Record&, Result&&)> append;
    // The first bytes, of a file that will have so many rows; none = no such bytes.
    std::function<std::string(int64_t rows)> head = [](int64_t) { return std::string(); };
    Window window{};
    std::string one, of{};  // what a row is: "vector", " of 384 values"
    bool quiet = false;
  };
  ResumableRun(Engine& engine, RecordReader& reader, Parts parts)
      : engine_(engine), reader_(reader), parts_(std::move(parts)) {}

  // To a file where `path` is one or nothing is there, else to a stream; "" and "-" are standard
  // output. `options` opened the engine; `job`: what the bytes depend on beside them, the model and
  // the input.
  void to(std::string path, bool overwrite, const EngineOptions& options, json::object job);

  int64_t rows() const { return rows_; }

 private:
  void to_stream(Output output);
  void to_file(const std::string& path, bool overwrite, json::object job);
  std::string kept(const PartialFile& file) const;
  void skip(const PartialFile::State& state, const std::string& path);
  template <typename Sink>
  void run(Sink& sink, const std::function<void()>& save);
  void summarize(double seconds) const;

  Engine& engine_;
  RecordReader& reader_;
  Parts parts_;
  bool on_terminal_ = false;
  std::string path_;
  int64_t rows_ = 0, cut_ = 0;
  RecordHash hash_;
};

}  // namespace vecton::cli
