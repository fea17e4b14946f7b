// What tests of torch files share: zip archives and pickles made of raw parts. Included by
// torch_file*_test.cpp only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vecton::testing {

inline std::string little(uint64_t value, size_t width) {
  std::string bytes;
  for (size_t i = 0; i < width; ++i)
    bytes += static_cast<char>(i < sizeof value ? value >> (8 * i) & 0xff : 0);
  return bytes;
}

// A zip archive that stores its entries as they are, with everything that tests get wrong.
struct Zip {
  struct Entry {
    std::string name, data;
    uint64_t flags = 0, method = 0;
    uint64_t stored = data.size(), size = data.size();
    uint64_t disk = 0;
    std::string local_name = name, extra = {}, local_extra = {};
    int64_t moved = 0;  // added to where the directory says it is
  };
  std::vector<Entry> entries;
  bool zip64 = false;
  uint64_t count_off = 0, size_off = 0, disk = 0;  // added to what the end says
  std::string between = {}, comment = {};

  std::string bytes() const {
    std::string file, directory;
    for (const Entry& e : entries) {
      const uint64_t at = file.size() + static_cast<uint64_t>(e.moved);
      file += "PK\3\4" + little(0, 2) + little(e.flags, 2) + little(e.method, 2) + little(0, 8) +
              little(e.stored, 4) + little(e.size, 4) + little(e.local_name.size(), 2) +
              little(e.local_extra.size(), 2) + e.local_name + e.local_extra + e.data;
      directory += "PK\1\2" + little(0, 4) + little(e.flags, 2) + little(e.method, 2) +
                   little(0, 8) + little(e.stored, 4) + little(e.size, 4) +
                   little(e.name.size(), 2) + little(e.extra.size(), 2) + little(0, 2) +
                   little(e.disk, 2) + little(0, 6) + little(at, 4) + e.name + e.extra;
    }
    const uint64_t at = file.size(), size = directory.size() + size_off,
                   count = entries.size() + count_off;
    file += directory + between;
    if (zip64) {
      const uint64_t record = file.size();
      file += "PK\6\6" + little(44, 8) + little(0, 4) + little(0, 8) + little(count, 8) +
              little(count, 8) + little(size, 8) + little(at, 8);
      file += "PK\6\7" + little(0, 4) + little(record, 8) + little(1, 4);
    }
    const auto narrow = [&](uint64_t value, size_t width) {
      return zip64 ? std::string(width, '\xff') : little(value, width);
    };
    return file + "PK\5\6" + little(disk, 2) + little(disk, 2) + narrow(count, 2) +
           narrow(count, 2) + narrow(size, 4) + narrow(at, 4) + little(comment.size(), 2) + comment;
  }
};

// Instructions of pickles.
namespace pickle {

inline std::string text(std::string_view t) { return "X" + little(t.size(), 4) + std::string(t); }
inline std::string integer(int64_t i) { return "\x8a\x08" + little(static_cast<uint64_t>(i), 8); }
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string tuple(const std::vector<std::string>& items) {
  std::string all = "(";
  for (const std::string& item : items) all += item;
  return all + "t";
}
inline std::string integers(const std::vector<int64_t>& values) {
  std::vector<std::string> items;
  for (const int64_t value : values) items.push_back(integer(value));
  return tuple(items);
}
inline std::string ordered_dict() { return global("collections", "OrderedDict") + ")R"; }
inline std::string storage(const std::string& type, const std::string& key, int64_t size) {
  return tuple({text("storage"), global("torch", type), text(key), text("cuda:0"), integer(size)}) +
         "Q";
}
inline std::string tensor(const std::string& storage, int64_t offset,
                          const std::vector<int64_t>& shape, const std::vector<int64_t>& strides,
                          const std::string& rest = "\x89" + ordered_dict()) {
  return global("torch._utils", "_rebuild_tensor_v2") +
         tuple({storage, integer(offset), integers(shape), integers(strides), rest}) + "R";
}
inline std::string dict(const std::vector<std::pair<std::string, std::string>>& items,
                        const std::string& made = "}") {
  std::string all = made + "(";
  for (const auto& [name, value] : items) all += text(name) + value;
  return all + "u";
}
inline std::string program(const std::string& body) { return "\x80\x02" + body + "."; }

}  // namespace pickle

}  // namespace vecton::testing
