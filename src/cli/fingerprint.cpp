#include "cli/fingerprint.h"

#include <algorithm>
#include <cstdio>
#include <vector>

namespace vecton::cli {

namespace fs = std::filesystem;

void Hash::add(std::string_view bytes) {
  for (unsigned char byte : bytes) value_ = (value_ ^ byte) * 0x100000001b3u;
}

void RecordHash::add(const Record& record) {
  if (const auto* text = std::get_if<std::string>(&record.input)) {
    hash_.add("t" + std::to_string(text->size()) + ":");
    hash_.add(*text);
  } else {
    for (int32_t id : std::get<1>(record.input)) hash_.add("i" + std::to_string(id));
  }
  if (record.pair) hash_.add("p" + std::to_string(record.pair->size()) + ":" + *record.pair);
  if (record.id) hash_.add("#" + *record.id);
  hash_.add("\n");
}

uint64_t fingerprint_folder(const fs::path& folder) {
  std::vector<std::string> lines;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder, error)) {
    if (!entry.is_regular_file(error)) continue;
    const auto time = entry.last_write_time(error).time_since_epoch().count();
    lines.push_back(fs::relative(entry.path(), folder, error).string() + " " +
                    std::to_string(entry.file_size(error)) + " " + std::to_string(time));
  }
  std::ranges::sort(lines);
  Hash hash;
  for (const std::string& line : lines) hash.add(line + "\n");
  return hash.value();
}

std::string hex(uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace vecton::cli
