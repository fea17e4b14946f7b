// Questions to the file system that have an answer and no error. Used wherever a checkpoint's
// folder may have a file or not; thread-safe.
#pragma once

#include <filesystem>
#include <system_error>

namespace vecton::base {

// False too where it can't be told.
inline bool is_file(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

}  // namespace vecton::base
