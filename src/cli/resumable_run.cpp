#include "cli/resumable_run.h"

#include <chrono>
#include <cstdio>

#include "base/counted.h"
#include "cli/failure.h"
#include "cli/interrupt.h"
#include "cli/job.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "engine/sources.h"

namespace vecton::cli {

void ResumableRun::to(std::string path, bool overwrite, const EngineOptions& options,
                      json::object job) {
  if (path == "-") path.clear();
  const InterruptGuard guard;
  path_ = path;
  on_terminal_ = path.empty() && stdout_is_terminal();
  if (path.empty()) return to_stream(Output());
  if (!can_replace(path)) return to_stream(Output(open_for_writing(path), path));
  const ModelInfo& info = engine_.info();
  for (auto& [name, value] : job_of(options)) job[name] = value;
  // What the model left open is as the engine decided.
  job["version"] = version();
  job["model"] = hex(fingerprint(engine::model_sources(options)));
  job["max_model_len"] = info.max_model_len;
  job["dtype"] = info.dtype;
  job["compute"] = info.compute;
  job["backend"] = info.backend + " " + info.isa;
  to_file(path, overwrite, std::move(job));
}

void ResumableRun::to_stream(Output output) {
  output.buffer() += parts_.head(0);
  try {
    run(output, [&] { output.flush(); });
  } catch (...) {  // what came before the error counts
    output.flush();
    throw;
  }
  output.flush();
}

void ResumableRun::to_file(const std::string& path, bool overwrite, json::object job) {
  PartialFile file(path, std::move(job), overwrite);
  if (file.state().rows > 0) {
    skip(file.state(), path);
  } else {
    file.buffer() += parts_.head(0);
  }
  const auto save = [&] { file.save({rows_, hash_.value()}); };
  try {
    run(file, save);
  } catch (const Interrupted& interrupted) {
    save();
    throw Interrupted(interrupted.signal(), "interrupted; " + kept(file));
  } catch (const Failure& failure) {
    save();
    throw Failure(failure.status(), std::string(failure.what()) + "\n" + kept(file));
  }
  file.finish(parts_.head(rows_));
}

std::string ResumableRun::kept(const PartialFile& file) const {
  return format_count(rows_) + " " + parts_.one + (rows_ == 1 ? " is" : "s are") + " safe in " +
         file.partial_path().string() + ": the same command goes on from there";
}

// Reads over the records that an earlier run finished and checks that they are the same.
void ResumableRun::skip(const PartialFile::State& state, const std::string& path) {
  Record record;
  while (rows_ < state.rows && reader_.next(record)) {
    hash_.add(record);
    ++rows_;
  }
  if (rows_ < state.rows || hash_.value() != state.input_hash) {
    throw Failure(ExitStatus::kInput,
                  path + ".partial was left by a run over another input; --overwrite starts again");
  }
  if (!parts_.quiet)
    std::fprintf(stderr, "vecton: going on after %s\n", base::counted(rows_, "text").c_str());
}

// Runs what is left into `sink`, and calls `save` now and then.
template <typename Sink>
void ResumableRun::run(Sink& sink, const std::function<void()>& save) {
  using namespace std::chrono_literals;
  Progress progress(stderr_is_terminal() && !on_terminal_ && !parts_.quiet, rows_, reader_.share());
  auto saved = std::chrono::steady_clock::now();
  run_pipeline(engine_, reader_, parts_.window,
               {.request = parts_.request,
                .result =
                    [&](const Record& record, Result&& result) {
                      cut_ += result.usage.truncated ? 1 : 0;
                      parts_.append(sink.buffer(), rows_, record, std::move(result));
                      hash_.add(record);
                      ++rows_;
                      sink.written();
                      if (rows_ % 16 != 0 && parts_.window.batch > 1) return;  // spare the clock
                      progress.update(rows_, record.share);
                      const auto now = std::chrono::steady_clock::now();
                      if (now - saved < 2s) return;
                      save();
                      saved = now;
                    },
                .idle = save});
  progress.clear();
  summarize(progress.seconds());
}

void ResumableRun::summarize(double seconds) const {
  if (cut_ > 0 && !parts_.quiet) {
    std::fprintf(stderr, "vecton: %s %s cut to what the model takes\n",
                 base::counted(cut_, "text").c_str(), cut_ == 1 ? "was" : "were");
  }
  if (!stderr_is_terminal() || path_.empty() || parts_.quiet) return;
  std::fprintf(stderr, "%s%s in %s: %s\n", base::counted(rows_, parts_.one).c_str(),
               parts_.of.c_str(), format_seconds(seconds).c_str(), path_.c_str());
}

}  // namespace vecton::cli
