#include "checkpoint/hub_download.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

#include "checkpoint/hub_blob.h"
#include "checkpoint/hub_snapshot.h"
#include "vecton/error.h"

namespace vecton::hub {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kReportEvery = std::chrono::milliseconds(100);

// Tells the caller about the file in hand, not more often than people can see.
class Reporter {
 public:
  explicit Reporter(const std::function<void(const DownloadProgress&)>& progress)
      : progress_(progress) {}

  void begin_list(size_t files) {
    state_.files_done = 0;
    state_.files_total = static_cast<int>(files);
  }
  void begin_file(const std::string& file, int64_t size) {
    state_.file = file;
    state_.file_bytes = 0;
    state_.file_size = std::max<int64_t>(size, 0);
  }
  void received(int64_t bytes) {
    state_.file_bytes = bytes;
    if (Clock::now() - last_ >= kReportEvery) report();
  }
  void end_file() {
    ++state_.files_done;
    state_.file_bytes = state_.file_size;
    report();
  }

 private:
  void report() {
    last_ = Clock::now();
    if (progress_) progress_(state_);
  }

  const std::function<void(const DownloadProgress&)>& progress_;
  DownloadProgress state_;
  Clock::time_point last_{};
};

// Appends to the blob's unfinished file until the hub has sent all of it; a connection that breaks
// is taken up again.
void receive(HubClient& client, const std::string& commit, const std::string& file,
             UnfinishedBlob& blob, int64_t size, Reporter& reporter) {
  int failed = 0;
  while (size < 0 || blob.bytes() < size) {
    const int64_t before = blob.bytes();
    try {
      client.get(commit, file, before, [&](int64_t position, std::string_view bytes) {
        blob.write(position, bytes);
        reporter.received(blob.bytes());
      });
      break;
    } catch (const HttpFailure& failure) {
      failed = blob.bytes() > before ? 1 : failed + 1;
      if (!failure.transient() || failed >= client.retry().attempts) {
        client.throw_network(failure, failed);
      }
      client.retry().wait_after(failed);
    }
  }
}

void download_blob(HubClient& client, const RepositoryCache& cache, const std::string& commit,
                   const std::string& file, const FileFacts& facts, Reporter& reporter) {
  UnfinishedBlob blob(cache.blob(facts.etag), facts.size);
  const bool resumed = blob.bytes() > 0;
  receive(client, commit, file, blob, facts.size, reporter);
  std::string defect = blob.defect(facts.etag);
  if (!defect.empty() && resumed) {  // the beginning may be another process's, cut off badly
    blob.clear();
    receive(client, commit, file, blob, facts.size, reporter);
    defect = blob.defect(facts.etag);
  }
  if (!defect.empty()) {
    blob.remove();
    throw Error(ErrorCode::kCorrupt, file + ": the download is corrupt (" + defect +
                                         ") and was removed. Try again; if it stays, a proxy or "
                                         "mirror changes the file");
  }
  blob.finish();
}

void download_file(HubClient& client, const RepositoryCache& cache, const std::string& commit,
                   const std::string& file, Reporter& reporter) {
  const fs::path path = cache.snapshot(commit) / file;
  std::error_code error;
  reporter.begin_file(file, 0);
  if (!fs::exists(path, error)) {
    const FileFacts facts = client.facts(commit, file);
    reporter.begin_file(file, facts.size);
    const BlobLock lock(cache.lock_file(facts.etag));
    if (!is_finished(cache.blob(facts.etag), facts.size)) {
      download_blob(client, cache, commit, file, facts, reporter);
    }
    cache.link(commit, file, facts.etag);
  }
  reporter.end_file();
}

// The files of a GGUF model, all of which the repository has.
std::vector<std::string> parts_of(const std::string& gguf, const std::vector<std::string>& files) {
  const std::vector<std::string> parts = checkpoint::gguf_parts(gguf);
  for (const std::string& part : parts) {
    if (std::ranges::count(files, part) == 0) {
      throw Error(ErrorCode::kNotFound,
                  "the repository has no " + part + ", which is a part of " + gguf, "model");
    }
  }
  return parts;
}

}  // namespace

fs::path download_snapshot(HubClient& client, const RepositoryCache& cache,
                           const checkpoint::GgufReference& model, const HubOptions& options,
                           const std::function<void(const DownloadProgress&)>& progress) {
  const RepositoryList list = client.list();
  const fs::path snapshot = cache.snapshot(list.commit);
  Reporter reporter(progress);
  const auto download = [&](const std::vector<std::string>& files) {
    reporter.begin_list(files.size());
    for (const std::string& file : files) download_file(client, cache, list.commit, file, reporter);
  };
  const std::optional<std::string> gguf = gguf_of(model, list.files);
  if (gguf) {
    download(parts_of(*gguf, list.files));
  } else {
    download(planning_files(list.files));
    download(wanted_files(snapshot, list.files, options.dense_path));
  }
  if (std::find(list.files.begin(), list.files.end(), "modules.json") == list.files.end()) {
    cache.remember_no_modules(list.commit);
  }
  cache.write_ref(options.revision, list.commit);
  return gguf ? snapshot / *gguf : snapshot;
}

}  // namespace vecton::hub
