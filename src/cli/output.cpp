#include "cli/output.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "cli/failure.h"
#include "cli/fingerprint.h"
#include "vecton/error.h"

namespace vecton::cli {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void refuse(const std::string& name, ExitStatus status = ExitStatus::kInternal) {
  throw Failure(status, name + ": " + std::strerror(errno));
}

void write_all(int fd, std::string_view bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      refuse(name);
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

// The file that `path` means, through symbolic links, so that renaming onto it keeps the link.
fs::path target_of(const fs::path& path) {
  std::error_code error;
  const fs::path target = fs::canonical(path, error);
  return error ? path : target;
}

fs::path with_ending(fs::path path, const char* ending) {
  path += ending;
  return path;
}

}  // namespace

void Output::flush() {
  write_all(fd_, buffer_, name_);
  buffer_.clear();
}

void print(std::string_view text) { write_all(STDOUT_FILENO, text, "standard output"); }

bool can_replace(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return true;
  return S_ISREG(info.st_mode);
}

int open_for_writing(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) refuse(path.string(), ExitStatus::kInput);
  return fd;
}

PartialFile::PartialFile(const fs::path& file, json::object job, bool fresh)
    : file_(target_of(file)),
      data_(with_ending(file_, ".partial")),
      notes_(with_ending(file_, ".partial.json")),
      job_(std::move(job)) {
  if (const fs::path folder = file_.parent_path(); !folder.empty() && !fs::exists(folder)) {
    throw Failure(ExitStatus::kInput, file_.string() + ": there is no folder " + folder.string());
  }
  fd_ = ::open(data_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd_ < 0) refuse(data_.string(), ExitStatus::kInput);
  output_ = Output(fd_, data_.string());
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd_);
    throw Failure(ExitStatus::kInput, data_.string() + ": another run is writing it");
  }
  try {
    int64_t bytes = 0;
    if (!fresh && fs::exists(notes_)) {
      load_state();
      bytes = lseek(fd_, 0, SEEK_END);
    }
    if (::ftruncate(fd_, bytes) != 0 || ::lseek(fd_, bytes, SEEK_SET) != bytes) {
      refuse(data_.string());
    }
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

PartialFile::~PartialFile() {
  if (fd_ >= 0) ::close(fd_);
}

// Reads what the notes say and cuts the data to what they vouch for.
void PartialFile::load_state() {
  const auto other = [&](const std::string& what) {
    throw Failure(ExitStatus::kInput,
                  data_.string() + " was left by a run " + what +
                      "; --overwrite starts again, or finish it with what it was begun with");
  };
  json::object notes;
  try {
    notes = base::read_json(notes_).as_object();
    for (const auto& [key, value] : job_) {
      const json::value* was = notes.at("job").as_object().if_contains(key);
      if (!was || *was != value) other("with another " + std::string(key));
    }
    state_.rows = notes.at("rows").as_int64();
    state_.input_hash = std::stoull(std::string(notes.at("input_hash").as_string()), nullptr, 16);
    const int64_t bytes = notes.at("bytes").as_int64();
    struct stat info {};
    if (state_.rows < 0 || bytes < 0 || ::fstat(fd_, &info) != 0 || info.st_size < bytes) {
      other("that lost data");
    }
    if (::ftruncate(fd_, bytes) != 0) refuse(data_.string());
  } catch (const Failure&) {
    throw;
  } catch (const std::exception&) {  // not what save() writes
    other("whose notes in " + notes_.string() + " can't be read");
  }
}

void PartialFile::save(const State& state) {
  output_.flush();
  ::fdatasync(fd_);  // where the system can't, the size check of load_state() still holds
  const json::object notes{{"job", job_},
                           {"rows", state.rows},
                           {"bytes", static_cast<int64_t>(::lseek(fd_, 0, SEEK_CUR))},
                           {"input_hash", hex(state.input_hash)}};
  const fs::path fresh = with_ending(notes_, ".new");
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) refuse(fresh.string());
  try {
    write_all(fd, json::serialize(notes) + "\n", fresh.string());
  } catch (...) {
    ::close(fd);
    throw;
  }
  ::close(fd);
  fs::rename(fresh, notes_);
}

void PartialFile::finish(std::string_view head) {
  output_.flush();
  if (::lseek(fd_, 0, SEEK_SET) != 0) refuse(data_.string());
  write_all(fd_, head, data_.string());
  fs::rename(data_, file_);
  std::error_code gone;
  fs::remove(notes_, gone);
}

}  // namespace vecton::cli
