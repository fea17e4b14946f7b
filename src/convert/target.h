// Target: the folder that a conversion makes. All is written into a folder beside it, which takes
// its place when it is whole; one that a killed conversion left is removed by the next.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace vecton::convert {

// kInvalidArgument: "OPTION: MESSAGE".
[[noreturn]] void refuse_option(const std::string& option, const std::string& message);

class Target {
 public:
  // `replace`: an earlier conversion may be replaced. Errors (kInvalidArgument) name the folder and
  // what would be accepted.
  Target(const std::filesystem::path& folder, bool replace);
  ~Target();
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  const std::filesystem::path& work() const { return work_; }  // to write into
  // Error (kIo) unless the disk has so much room.
  void require(int64_t bytes) const;
  void write(const std::string& name, std::string_view text) const;
  // A file or folder with all in it; links are followed.
  void copy(const std::filesystem::path& from, const std::filesystem::path& name) const;
  // Takes the folder's place.
  void commit();

 private:
  std::filesystem::path folder_, work_;
  int lock_ = -1;
};

}  // namespace vecton::convert
