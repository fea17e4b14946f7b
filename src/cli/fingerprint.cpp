#include "cli/fingerprint.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "base/files.h"
#include "cli/failure.h"

namespace vecton::cli {

namespace fs = std::filesystem;

void Hash::add(std::string_view bytes) {
  for (unsigned char byte : bytes) value_ = (value_ ^ byte) * 0x100000001b3u;
}

namespace {

// The state of a file: what it is called, its size and when it was written.
std::string state_of(const fs::path& file, const std::string& name) {
  const auto time = fs::last_write_time(file).time_since_epoch().count();
  return name + " " + std::to_string(fs::file_size(file)) + " " + std::to_string(time) + "\n";
}

// Of a file, or of all files in a folder, sorted.
std::vector<std::string> states_of(const fs::path& source) {
  if (!fs::is_directory(source)) return {state_of(source, source.filename().string())};
  std::vector<std::string> states;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(source)) {
    if (entry.is_regular_file())
      states.push_back(state_of(entry.path(), fs::relative(entry.path(), source).string()));
  }
  std::ranges::sort(states);
  return states;
}

// Of a picture: what a request says of it, and the state of the file that it lies in.
std::string state_of(const Image& image) {
  const auto with_size = [](const std::string& text) {
    return std::to_string(text.size()) + ":" + text;
  };
  const std::string state = with_size(image.bytes) + with_size(image.source);
  if (!image.bytes.empty() || !base::is_file(image.source)) return state;
  return state + state_of(image.source, "");
}

}  // namespace

void RecordHash::add(const Record& record) {
  if (const auto* text = std::get_if<std::string>(&record.input)) {
    hash_.add("t" + std::to_string(text->size()) + ":");
    hash_.add(*text);
  } else {
    for (int32_t id : std::get<1>(record.input)) hash_.add("i" + std::to_string(id));
  }
  if (record.pair) hash_.add("p" + std::to_string(record.pair->size()) + ":" + *record.pair);
  if (record.id) hash_.add("#" + *record.id);
  for (const Image& image : record.images) hash_.add("m" + state_of(image));
  hash_.add("\n");
}

uint64_t fingerprint(const std::vector<std::filesystem::path>& sources) {
  Hash hash;
  for (const fs::path& source : sources) {
    try {
      for (const std::string& state : states_of(source)) hash.add(state);
    } catch (const fs::filesystem_error& error) {
      throw Failure(ExitStatus::kInput,
                    (error.path1().empty() ? source : error.path1()).string() +
                        ": can't be looked at, to know the model again: " + error.code().message());
    }
    hash.add("\n");  // the end of a source
  }
  return hash.value();
}

std::string hex(uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace vecton::cli
