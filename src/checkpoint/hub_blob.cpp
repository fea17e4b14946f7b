#include "checkpoint/hub_blob.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "checkpoint/digest.h"
#include "vecton/error.h"

namespace vecton::hub {

namespace fs = std::filesystem;

namespace {

constexpr mode_t kSharedFile = 0664;  // users of one group may share a cache

[[noreturn]] void throw_io(const std::string& what, const fs::path& path, int error) {
  throw Error(ErrorCode::kIo, "cannot " + what + " " + path.string() + ": " +
                                  std::generic_category().message(error) +
                                  " (HF_HUB_CACHE and HF_HOME say where the hub cache is)");
}

void make_parent(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) throw_io("make the folder", path.parent_path(), error.value());
}

int open_or_throw(const fs::path& path, int flags) {
  const int file = open(path.c_str(), flags | O_CLOEXEC, kSharedFile);
  if (file < 0) throw_io("open", path, errno);
  return file;
}

std::string megabytes(uintmax_t bytes) {
  return std::to_string((bytes + 999999) / 1000000) + " MB";
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

BlobLock::BlobLock(const fs::path& file) {
  make_parent(file);
  while (true) {
    file_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kSharedFile);
    if (file_ < 0) file_ = open_or_throw(file, O_RDONLY);  // another user's; it can be locked still
    fchmod(file_, kSharedFile);                            // whatever the umask; refused to others
    int result = 0;
    do {
      result = flock(file_, LOCK_EX);
    } while (result != 0 && errno == EINTR);
    struct stat status {};
    // The one who held it may have removed the file: then this lock keeps nobody out.
    if (result != 0 || fstat(file_, &status) != 0 || status.st_nlink > 0) return;
    close(file_);
  }
}

BlobLock::~BlobLock() { close(file_); }

bool is_finished(const fs::path& blob, int64_t size) {
  std::error_code error;
  const uintmax_t found = fs::file_size(blob, error);
  return !error && (size < 0 || found == static_cast<uintmax_t>(size));
}

UnfinishedBlob::UnfinishedBlob(fs::path blob, int64_t size)
    : blob_(std::move(blob)), path_(blob_.string() + ".incomplete"), size_(size) {
  make_parent(path_);
  std::error_code error;
  const uintmax_t found = fs::file_size(path_, error);
  const bool usable = !error && (size < 0 || found <= static_cast<uintmax_t>(size));
  if (usable) bytes_ = static_cast<int64_t>(found);
  const fs::space_info space = fs::space(path_.parent_path(), error);
  const auto rest = static_cast<uintmax_t>(std::max<int64_t>(size - bytes_, 0));
  if (!error && space.available < rest) {
    throw Error(ErrorCode::kIo, path_.parent_path().string() + ": the disk is full: " +
                                    megabytes(rest) + " are needed, " + megabytes(space.available) +
                                    " are free. Make room, or put the hub cache elsewhere "
                                    "(HF_HUB_CACHE)");
  }
  file_ = open_or_throw(path_, O_RDWR | O_CREAT | O_APPEND | (usable ? 0 : O_TRUNC));
}

UnfinishedBlob::~UnfinishedBlob() {
  if (file_ >= 0) close(file_);
}

void UnfinishedBlob::fail(const std::string& what, int error) const {
  if (error == ENOSPC || error == EDQUOT) {
    throw Error(ErrorCode::kIo, path_.string() + ": the disk is full after " +
                                    megabytes(static_cast<uintmax_t>(bytes_)) +
                                    ". Make room and try again (what was received is kept), or "
                                    "put the hub cache elsewhere (HF_HUB_CACHE)");
  }
  throw_io(what, path_, error);
}

void UnfinishedBlob::write(int64_t position, std::string_view bytes) {
  if (position != bytes_) clear();
  if (size_ >= 0 && bytes_ + static_cast<int64_t>(bytes.size()) > size_) {
    remove();
    throw Error(ErrorCode::kCorrupt, "the download of " + blob_.string() + " has more than the " +
                                         std::to_string(size_) +
                                         " bytes that the hub tells; it was removed");
  }
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write", errno);
    bytes.remove_prefix(static_cast<size_t>(written));
    bytes_ += written;
  }
}

void UnfinishedBlob::clear() {
  if (ftruncate(file_, 0) != 0) fail("write", errno);
  bytes_ = 0;
}

void UnfinishedBlob::remove() {
  std::error_code error;
  fs::remove(path_, error);
}

std::string UnfinishedBlob::defect(std::string_view etag) const {
  if (size_ >= 0 && bytes_ != size_) {
    return std::to_string(bytes_) + " bytes instead of " + std::to_string(size_);
  }
  const bool sha256 = etag.size() == 64 && is_hex(etag);
  const bool git = etag.size() == 40 && is_hex(etag);
  if (!sha256 && !git) return "";
  Digest digest(sha256 ? EVP_sha256() : EVP_sha1());
  if (git) {  // git hashes a header with the bytes, its final zero included
    const std::string header = "blob " + std::to_string(bytes_);
    digest.add(header.c_str(), header.size() + 1);
  }
  std::vector<char> buffer(1 << 20);
  for (int64_t position = 0; position < bytes_;) {
    const ssize_t read = pread(file_, buffer.data(), buffer.size(), position);
    if (read < 0 && errno == EINTR) continue;
    if (read <= 0) fail("read", read < 0 ? errno : EIO);
    digest.add(buffer.data(), static_cast<size_t>(read));
    position += read;
  }
  const std::string found = digest.hex();
  if (found == etag) return "";
  return std::string(sha256 ? "sha256 " : "git sha1 ") + found + " instead of " + std::string(etag);
}

void UnfinishedBlob::finish() {
  if (fsync(file_) != 0) fail("write", errno);
  if (close(std::exchange(file_, -1)) != 0) fail("write", errno);
  if (std::rename(path_.c_str(), blob_.c_str()) != 0) fail("rename", errno);
}

}  // namespace vecton::hub
