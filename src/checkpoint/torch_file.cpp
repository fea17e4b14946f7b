#include "checkpoint/torch_file.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/name_text.h"
#include "checkpoint/shape.h"
#include "checkpoint/torch_file_bytes.h"
#include "checkpoint/torch_file_pickle.h"
#include "checkpoint/torch_file_strides.h"
#include "checkpoint/torch_file_zip.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kZipStart = "PK\3\4";
// A pickle of torch's magic number: how torch.save began a file before PyTorch 1.6.
constexpr std::string_view kLegacyStart =
    "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."sv;
constexpr std::string_view kPickle = "data.pkl", kVersion = "version", kByteOrder = "byteorder",
                           kStorages = "data/";
// Tensors that are not contiguous are copied, one that has several names for each: a small file
// asks for no more memory than this many times its size.
constexpr size_t kMostCopies = 2;
constexpr int kLastVersion = 10;  // of the archive: what PyTorch 2 reads

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// One file being read: its entries by their names below the archive's own folder.
class TorchFile {
 public:
  TorchFile(std::span<const std::byte> bytes, const std::string& what)
      : what_(what), copies_left_(kMostCopies * bytes.size()) {
    check_start(text_of(bytes.first(std::min<size_t>(bytes.size(), 64))));
    open_folder(read_zip(bytes, what));
    check_version();
    check_byte_order();
  }

  Tensors tensors() {
    Tensors result;
    std::set<std::string_view> used;
    for (const PickledTensor& pickled :
         read_state_dict(entry(kPickle), what_ + ": " + std::string(kPickle))) {
      result.emplace(pickled.name, tensor(pickled));
      used.insert(pickled.storage);
    }
    for (const auto& [name, bytes] : entries_) {
      if (name.starts_with(kStorages) && !used.contains(name.substr(kStorages.size())))
        fail("entry " + quoted_bytes(name) + " belongs to no tensor");
    }
    return result;
  }

 private:
  [[noreturn]] void fail(const std::string& message, ErrorCode code = ErrorCode::kCorrupt) const {
    throw Error(code, what_ + ": " + message);
  }

  void check_start(std::string_view start) const {
    if (start.starts_with(kLegacyStart)) {
      fail(
          "saved in torch's format from before PyTorch 1.6, which is not read: expected a zip "
          "archive. To convert it: python -c \"import torch; torch.save(torch.load('OLD', "
          "map_location='cpu', weights_only=True), 'NEW')\"",
          ErrorCode::kUnsupported);
    }
    if (!start.starts_with(kZipStart)) fail("is not a zip archive of torch.save");
  }

  // Entries are called FOLDER/data.pkl, FOLDER/data/0; the folder's name says nothing.
  void open_folder(const ZipEntries& all) {
    const auto pickle = std::ranges::find_if(all, [](const auto& entry) {
      const size_t slash = entry.first.find('/');
      return slash != entry.first.npos && entry.first.substr(slash + 1) == kPickle;
    });
    if (pickle == all.end()) fail("has no entry data.pkl: expected a file of torch.save");
    const std::string_view folder = pickle->first.substr(0, pickle->first.size() - kPickle.size());
    for (const auto& [name, bytes] : all) {
      const std::string_view inside = name.starts_with(folder) ? name.substr(folder.size()) : "";
      // Those that begin with a dot are the archive's notes about itself (its alignment, its id).
      const bool known = inside == kPickle || inside == kVersion || inside == kByteOrder ||
                         inside.starts_with(kStorages) || inside.starts_with('.');
      if (!known) {
        fail("entry " + quoted_bytes(name) +
                 " is not part of a state_dict (a TorchScript program?): expected data.pkl, "
                 "version, byteorder and data/*",
             ErrorCode::kUnsupported);
      }
      entries_.emplace(inside, bytes);
    }
  }

  std::span<const std::byte> entry(std::string_view name) const {
    const auto place = entries_.find(name);
    if (place == entries_.end()) fail("has no entry " + quoted_bytes(name));
    return place->second;
  }

  void check_version() const {
    std::string_view text = text_of(entry(kVersion));
    if (text.ends_with('\n')) text.remove_suffix(1);
    int version = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (error != std::errc() || end != text.data() + text.size() || version < 1)
      fail("entry version: " + quoted_bytes(text) + " is not a number");
    if (version > kLastVersion) {
      fail("entry version: " + quoted_bytes(text) + " is newer than " +
               std::to_string(kLastVersion) + ", the last that is known",
           ErrorCode::kUnsupported);
    }
  }

  // Files from before PyTorch 2.1 don't say; little-endian is what machines had.
  void check_byte_order() const {
    if (!entries_.contains(kByteOrder)) return;
    const std::string_view order = text_of(entry(kByteOrder));
    if (order == "little") return;
    fail("entry byteorder: " + quoted_bytes(order) + " is not supported: expected little",
         order == "big" ? ErrorCode::kUnsupported : ErrorCode::kCorrupt);
  }

  StoredTensor tensor(const PickledTensor& pickled) {
    const auto refuse = [&](const std::string& message, ErrorCode code = ErrorCode::kCorrupt) {
      fail("tensor " + quoted_bytes(pickled.name) + ": " + message, code);
    };
    const std::string key = std::string(kStorages) + std::string(pickled.storage);
    const auto place = entries_.find(key);
    if (place == entries_.end()) refuse("has no entry " + quoted_bytes(key));
    const std::span<const std::byte> storage = place->second;
    const int64_t width = tensor::size_of(pickled.dtype),
                  have = static_cast<int64_t>(storage.size());
    if (have % width != 0 || have / width != pickled.storage_size) {
      refuse("entry " + quoted_bytes(key) + " holds " + std::to_string(have) + " bytes, not " +
             std::to_string(pickled.storage_size) + " numbers of " +
             std::string(tensor::to_string(pickled.dtype)));
    }
    const std::optional<int64_t> count = shape_product(pickled.shape);
    const bool inside = count && pickled.offset >= 0 && pickled.offset <= pickled.storage_size &&
                        *count <= pickled.storage_size - pickled.offset;
    if (!inside) {
      refuse("shape " + shape_text(pickled.shape) + " at " + std::to_string(pickled.offset) +
             " does not lie within the " + std::to_string(pickled.storage_size) +
             " numbers of entry " + quoted_bytes(key));
    }
    StoredTensor result{.name = std::string(pickled.name),
                        .source = what_,
                        .dtype = pickled.dtype,
                        .shape = pickled.shape,
                        .bytes = storage.subspan(static_cast<size_t>(pickled.offset * width)),
                        .file = nullptr,
                        .copy = nullptr};
    const auto size = static_cast<size_t>(*count * width);
    if (is_contiguous(pickled.shape, pickled.strides)) {
      result.bytes = result.bytes.first(size);
      return result;
    }
    const int64_t last = pickled.storage_size - 1 - pickled.offset;
    if (!reach_of(pickled.shape, pickled.strides, last)) {
      refuse("shape " + shape_text(pickled.shape) + " with strides " + shape_text(pickled.strides) +
             " does not lie within the " + std::to_string(pickled.storage_size) +
             " numbers of entry " + quoted_bytes(key));
    }
    if (size > copies_left_) {
      refuse(
          "more of this file's tensors are transposed or sliced than it has bytes for: save "
          "tensor.contiguous()",
          ErrorCode::kUnsupported);
    }
    copies_left_ -= size;
    result.copy = std::make_shared<const std::vector<std::byte>>(
        gathered(pickled.shape, pickled.strides, static_cast<size_t>(width), result.bytes));
    result.bytes = *result.copy;
    return result;
  }

  const std::string& what_;
  ZipEntries entries_;
  size_t copies_left_;  // bytes that tensors which are not contiguous may take
};

}  // namespace

Tensors parse_torch_file(std::span<const std::byte> bytes, const std::string& what) {
  return TorchFile(bytes, what).tensors();
}

Tensors read_torch_file(const std::filesystem::path& file) {
  const auto map = std::make_shared<const base::MappedFile>(file);
  Tensors tensors = parse_torch_file(map->bytes(), file.string());
  for (auto& [name, tensor] : tensors) {
    if (!tensor.copy) tensor.file = map;
  }
  return tensors;
}

}  // namespace vecton::checkpoint
