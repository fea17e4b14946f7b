// Blobs of the hub cache while they are downloaded: blobs/<etag>.incomplete grows under a lock, is
// checked against the etag and takes its final name. Used by the downloader.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace vecton::hub {

// Holds the lock file that all processes of this cache, the Python client's too, take for one blob.
class BlobLock {
 public:
  // Waits for as long as another holds it. A file system without locks is used without.
  explicit BlobLock(const std::filesystem::path& file);
  ~BlobLock();
  BlobLock(const BlobLock&) = delete;
  BlobLock& operator=(const BlobLock&) = delete;

 private:
  int file_ = -1;
};

// Whether the blob is there, with that size when one is known (not negative).
bool is_finished(const std::filesystem::path& blob, int64_t size);

class UnfinishedBlob {
 public:
  // Opens what an earlier download left. `size` is that of the whole blob, negative when it is not
  // known. Errors of all functions: kIo, naming the file and what to do about a full disk.
  UnfinishedBlob(std::filesystem::path blob, int64_t size);
  ~UnfinishedBlob();
  UnfinishedBlob(const UnfinishedBlob&) = delete;
  UnfinishedBlob& operator=(const UnfinishedBlob&) = delete;

  int64_t bytes() const { return bytes_; }
  // `position` is bytes(), or 0 to begin again. Error: kCorrupt for more bytes than the blob has.
  void write(int64_t position, std::string_view bytes);
  void clear();
  void remove();

  // What is wrong with it, or nothing: the size, and the checksum where the etag is one (sha256 of
  // the bytes, or sha1 of a git blob).
  std::string defect(std::string_view etag) const;
  // Gives it the blob's name.
  void finish();

 private:
  [[noreturn]] void fail(const std::string& what, int error) const;

  std::filesystem::path blob_, path_;
  int64_t size_;
  int file_ = -1;
  int64_t bytes_ = 0;
};

}  // namespace vecton::hub
