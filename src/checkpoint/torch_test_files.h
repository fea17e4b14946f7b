// What tests of torch files share: zip archives and pickles made of raw parts, and files of
// torch.save. Included by *_test.cpp only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/safetensors.h"

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
inline std::string pickled_tensor(const std::string& storage, int64_t offset,
                                  const std::vector<int64_t>& shape,
                                  const std::vector<int64_t>& strides,
                                  const std::string& rest = "\x89" + ordered_dict()) {
  return global("torch._utils", "_rebuild_tensor_v2") +
         tuple({storage, integer(offset), integers(shape), integers(strides), rest}) + "R";
}
inline std::string parameter(const std::string& tensor) {
  return global("torch._utils", "_rebuild_parameter") + tuple({tensor, "\x88", ordered_dict()}) +
         "R";
}
inline std::string dict(const std::vector<std::pair<std::string, std::string>>& items,
                        const std::string& made = "}") {
  std::string all = made + "(";
  for (const auto& [name, value] : items) all += text(name) + value;
  return all + "u";
}
inline std::string program(const std::string& body) { return "\x80\x02" + body + "."; }

}  // namespace pickle

// A file of torch.save: its pickle and storages, and the entries that are always there.
inline std::string torch_file(const std::string& pickled,
                              const std::vector<std::pair<std::string, std::string>>& storages,
                              const std::optional<std::string>& order = "little",
                              const std::string& version = "3\n", const std::string& folder = "m") {
  Zip zip{{{folder + "/data.pkl", pickle::program(pickled)}, {folder + "/.format_version", "1"}}};
  if (order) zip.entries.push_back({folder + "/byteorder", *order});
  for (const auto& [key, bytes] : storages) zip.entries.push_back({folder + "/data/" + key, bytes});
  if (!version.empty()) zip.entries.push_back({folder + "/version", version});
  return zip.bytes();
}

inline std::string storage_type(tensor::DType type) {
  switch (type) {
    case tensor::DType::kF16:
      return "HalfStorage";
    case tensor::DType::kBF16:
      return "BFloat16Storage";
    case tensor::DType::kF64:
      return "DoubleStorage";
    case tensor::DType::kI64:
      return "LongStorage";
    default:
      return "FloatStorage";
  }
}

// A state_dict of these tensors as a module saves it: an OrderedDict with the versions of modules,
// a storage for each.
inline std::string torch_file_of(const checkpoint::Tensors& tensors) {
  using namespace pickle;
  std::vector<std::pair<std::string, std::string>> items, storages;
  for (const auto& [name, stored] : tensors) {
    std::vector<int64_t> strides(stored.shape.size(), 1);
    for (size_t i = strides.size(); i > 1; --i)
      strides[i - 2] = strides[i - 1] * stored.shape[i - 1];
    const std::string key = std::to_string(items.size());
    const auto numbers = static_cast<int64_t>(stored.bytes.size()) / tensor::size_of(stored.dtype);
    items.emplace_back(name, pickled_tensor(storage(storage_type(stored.dtype), key, numbers), 0,
                                            stored.shape, strides));
    storages.emplace_back(
        key, std::string(reinterpret_cast<const char*>(stored.bytes.data()), stored.bytes.size()));
  }
  const std::string versions = dict({{"", dict({{"version", "K\1"}})}}, ordered_dict());
  return torch_file(dict(items, ordered_dict()) + dict({{"_metadata", versions}}) + "b", storages);
}

}  // namespace vecton::testing
