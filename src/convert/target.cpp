#include "convert/target.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <system_error>

#include "base/files.h"
#include "checkpoint/written_by.h"
#include "vecton/error.h"

namespace vecton::convert {

namespace fs = std::filesystem;

namespace {

constexpr const char* kLock = ".lock";

[[noreturn]] void fail(const fs::path& path, const std::string& message) {
  throw Error(ErrorCode::kIo, path.string() + ": " + message);
}

template <typename F>
void checked(const fs::path& path, const char* what, F action) {
  std::error_code error;
  action(error);
  if (error) fail(path, std::string(what) + ": " + error.message());
}

bool is_weight_file(const fs::path& name) {
  return name.extension() == ".safetensors" || name.string().ends_with(".safetensors.index.json");
}

// Other checkpoints have these files too, but what MLX or this wrote says so.
bool is_conversion(const fs::path& folder) {
  return base::is_file(folder / "config.json") &&
         base::is_file(folder / "model.safetensors.index.json") &&
         checkpoint::written_by_mlx(folder);
}

void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);  // where a file system can't, the rename is still one step
  ::close(descriptor);
}

}  // namespace

void refuse_option(const std::string& option, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, option + ": " + message, option);
}

Target::Target(const fs::path& folder, bool replace) : folder_(fs::absolute(folder)) {
  if (!folder_.has_filename()) folder_ = folder_.parent_path();
  std::error_code error;
  if (fs::exists(folder_, error)) {
    const bool empty = fs::is_directory(folder_, error) && fs::is_empty(folder_, error);
    if (!empty && !(replace && is_conversion(folder_))) {
      throw Error(ErrorCode::kInvalidArgument,
                  "--mlx-path: " + folder_.string() +
                      " already exists: expected a folder that is "
                      "empty or not there" +
                      (replace ? " or an earlier conversion" : "") + ": remove it or name another",
                  "target");
    }
  }
  work_ = folder_;
  work_ += ".partial";
  checked(folder_.parent_path(), "can't be created",
          [&](std::error_code& e) { fs::create_directories(folder_.parent_path(), e); });
  checked(work_, "can't be created", [&](std::error_code& e) { fs::create_directory(work_, e); });
  lock_ = ::open((work_ / kLock).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock_ < 0) fail(work_ / kLock, std::string("can't be created: ") + std::strerror(errno));
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock_);
    throw Error(ErrorCode::kInvalidArgument,
                "--mlx-path: another conversion is writing " + folder_.string(), "target");
  }
  // What a killed conversion left.
  for (const fs::directory_entry& entry : fs::directory_iterator(work_)) {
    if (entry.path().filename() != kLock)
      checked(entry.path(), "can't be removed",
              [&](std::error_code& e) { fs::remove_all(entry.path(), e); });
  }
}

Target::~Target() {
  if (lock_ < 0) return;
  std::error_code ignored;
  fs::remove_all(work_, ignored);
  ::close(lock_);
}

void Target::require(int64_t bytes) const {
  std::error_code error;
  const fs::space_info space = fs::space(work_, error);
  if (error || static_cast<int64_t>(space.available) >= bytes) return;
  fail(folder_.parent_path(), "the new checkpoint needs " + std::to_string(bytes) +
                                  " bytes, and the disk has " + std::to_string(space.available) +
                                  " left");
}

void Target::write(const std::string& name, std::string_view text) const {
  const fs::path file = work_ / name;
  checked(file, "can't be written",
          [&](std::error_code& e) { fs::create_directories(file.parent_path(), e); });
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.flush();
  if (!out) fail(file, "can't be written");
}

void Target::copy(const fs::path& from, const fs::path& name) const {
  const fs::path to = work_ / name;
  checked(to, "can't be written", [&](std::error_code& e) {
    fs::create_directories(to.parent_path(), e);
    if (!e)
      fs::copy(fs::canonical(from), to,
               fs::copy_options::recursive | fs::copy_options::overwrite_existing, e);
  });
}

void Target::commit() {
  checked(work_ / kLock, "can't be removed",
          [&](std::error_code& e) { fs::remove(work_ / kLock, e); });
  sync_folder(work_);
  std::error_code error;
  const bool there = fs::exists(folder_, error) && !fs::is_empty(folder_, error);
  fs::path old = folder_;
  old += ".old";
  if (there) {
    // What else lies in the old folder is kept.
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_)) {
      const fs::path name = entry.path().filename();
      if (!is_weight_file(name) && !fs::exists(work_ / name)) copy(entry.path(), name);
    }
    checked(old, "can't be removed", [&](std::error_code& e) { fs::remove_all(old, e); });
    checked(folder_, "can't be put aside",
            [&](std::error_code& e) { fs::rename(folder_, old, e); });
  } else {
    fs::remove(folder_, error);  // an empty folder
  }
  checked(folder_, "can't be put in place",
          [&](std::error_code& e) { fs::rename(work_, folder_, e); });
  sync_folder(folder_.parent_path());
  ::close(lock_);
  lock_ = -1;
  if (there) checked(old, "can't be removed", [&](std::error_code& e) { fs::remove_all(old, e); });
}

}  // namespace vecton::convert
