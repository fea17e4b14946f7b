#include "vecton/tensor_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <string_view>

#include "base/json.h"
#include "checkpoint/name_text.h"
#include "checkpoint/shape.h"
#include "vecton/error.h"

namespace vecton {

namespace {

constexpr size_t kAlignment =
    64;  // of the data within the file: whole cache lines for readers that map it

// A new file beside `target` that takes its name when all is written, and vanishes otherwise.
class PendingFile {
 public:
  explicit PendingFile(const std::filesystem::path& target) : target_(target) {
    for (int i = 0; fd_ < 0; ++i) {
      temporary_ = target.string() + ".tmp" + std::to_string(::getpid()) + "-" + std::to_string(i);
      fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (fd_ < 0 && errno != EEXIST) fail("can't be created");
    }
  }
  ~PendingFile() {
    if (fd_ >= 0) ::close(fd_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail("can't be written");
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }

  void commit() {
    if (::fsync(fd_) != 0 && errno != EINVAL)
      fail("can't be written");  // EINVAL: a file system without it
    const int fd = fd_;
    fd_ = -1;
    if (::close(fd) != 0) fail("can't be written");
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("can't be put in place");
    temporary_.clear();
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    const std::string reason = std::strerror(errno);
    throw Error(ErrorCode::kIo, target_.string() + ": " + message + ": " + reason);
  }

  std::filesystem::path target_;
  std::string temporary_;
  int fd_ = -1;
};

std::string make_header(const std::string& file, std::span<const NamedArray> arrays,
                        const std::vector<std::pair<std::string, std::string>>& metadata) {
  json::object header;
  if (!metadata.empty()) {
    json::object& entries = header["__metadata__"].emplace_object();
    for (const auto& [key, value] : metadata) entries[key] = value;
  }
  std::set<std::string_view> names{"__metadata__"};
  uint64_t at = 0;
  for (const NamedArray& array : arrays) {
    const auto refuse = [&](const std::string& message) {
      throw Error(ErrorCode::kInvalidArgument,
                  file + ": tensor " + checkpoint::quoted_text(array.name) + ": " + message);
    };
    if (!names.insert(array.name).second) refuse("the name is used twice or reserved");
    if (checkpoint::shape_product(array.shape) != static_cast<int64_t>(array.values.size())) {
      refuse("shape " + checkpoint::shape_text(array.shape) + " does not hold " +
             std::to_string(array.values.size()) + " values");
    }
    const uint64_t end = at + array.values.size() * sizeof(float);
    header[array.name] = {{"dtype", "F32"},
                          {"shape", json::array(array.shape.begin(), array.shape.end())},
                          {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = json::serialize(header);
  const size_t used = sizeof(uint64_t) + text.size();
  text.append((kAlignment - used % kAlignment) % kAlignment, ' ');
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& file, std::span<const NamedArray> arrays,
                       const std::vector<std::pair<std::string, std::string>>& metadata) {
  const std::string header = make_header(file.string(), arrays, metadata);
  std::string length;
  for (int i = 0; i < 8; ++i) length += static_cast<char>(header.size() >> (8 * i) & 0xff);

  PendingFile out(file);
  out.write(length);
  out.write(header);
  for (const NamedArray& array : arrays) {
    out.write(
        {reinterpret_cast<const char*>(array.values.data()), array.values.size() * sizeof(float)});
  }
  out.commit();
}

}  // namespace vecton
