#include "checkpoint/torch_file_zip.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "checkpoint/torch_file_bytes.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

constexpr uint64_t kLocalSignature = 0x04034b50, kCentralSignature = 0x02014b50,
                   kEndSignature = 0x06054b50, kEnd64Signature = 0x06064b50,
                   kLocatorSignature = 0x07064b50;
constexpr size_t kEndBytes = 22, kLocatorBytes = 20, kEnd64Bytes = 56;

// A field that is too narrow for its value holds only ones, and zip64 has the value.
constexpr uint64_t kWide16 = 0xffff, kWide32 = 0xffffffff;

constexpr uint64_t kSizesFollow = 1 << 3, kUtf8Name = 1 << 11;  // flags of an entry
constexpr uint16_t kZip64Extra = 1;

struct Directory {
  uint64_t entries, size, offset;
};

struct Header {  // of an entry, in the directory
  std::string_view name;
  uint64_t flags, method, stored, size, offset;
};

class ZipReader {
 public:
  ZipReader(std::span<const std::byte> bytes, const std::string& what)
      : bytes_(bytes), what_(what) {}

  ZipEntries entries() {
    directory_ = directory();
    ByteReader reader(bytes_.subspan(directory_.offset, directory_.size),
                      what_ + ": zip directory");
    ZipEntries entries;
    for (uint64_t i = 0; i < directory_.entries; ++i) {
      const Header header = read_header(reader);
      if (!entries.emplace(header.name, data_of(header)).second) fail(header, "is there twice");
    }
    if (reader.left() != 0) reader.fail("goes on after its last entry");
    check_overlaps();
    return entries;
  }

 private:
  struct Place {
    size_t begin, end;
    std::string_view name;
  };

  ByteReader at(size_t offset, size_t size, const std::string& name) const {
    return {bytes_.subspan(offset, size), what_ + ": " + name};
  }
  [[noreturn]] void fail(const std::string& message, ErrorCode code = ErrorCode::kCorrupt) const {
    throw Error(code, what_ + ": " + message);
  }
  [[noreturn]] void fail(const Header& header, const std::string& message,
                         ErrorCode code = ErrorCode::kCorrupt) const {
    fail("entry " + quoted_bytes(header.name) + ": " + message, code);
  }

  // The directory ends where the records at the end of the file begin.
  Directory directory() const {
    if (bytes_.size() < kEndBytes)
      fail("too short for a zip archive (" + std::to_string(bytes_.size()) + " bytes)");
    size_t end = bytes_.size() - kEndBytes;
    ByteReader record = at(end, kEndBytes, "end of the zip archive");
    if (record.number(4) != kEndSignature)
      fail("no end of a zip archive in its last 22 bytes: the file is cut off or has a comment");
    const uint64_t disk = record.number(2), directory_disk = record.number(2),
                   here = record.number(2);
    Directory found{};
    found.entries = record.number(2);
    found.size = record.number(4);
    found.offset = record.number(4);
    if (disk != 0 || directory_disk != 0 || here != found.entries)
      record.fail("an archive in several files is not supported", ErrorCode::kUnsupported);
    if (record.number(2) != 0) record.fail("its comment is cut off");
    end = widen(found, end);
    if (found.offset > end || found.size != end - found.offset)
      fail("the zip directory does not lie before the end of the archive");
    return found;
  }

  // Reads the zip64 records before `end` where there are some; gives where they begin.
  size_t widen(Directory& found, size_t end) const {
    const bool wide = found.entries == kWide16 || found.size == kWide32 || found.offset == kWide32;
    const size_t both = kEnd64Bytes + kLocatorBytes;
    const bool has_locator =
        end >= both && at(end - kLocatorBytes, 4, "").number(4) == kLocatorSignature;
    if (!has_locator) {
      if (wide) fail("has no zip64 records, but its end refers to them");
      return end;
    }
    ByteReader locator = at(end - kLocatorBytes, kLocatorBytes, "zip64 locator");
    locator.skip(4);
    const uint64_t disk = locator.number(4), offset = locator.number(8), disks = locator.number(4);
    if (disk != 0 || disks > 1)
      locator.fail("an archive in several files is not supported", ErrorCode::kUnsupported);
    end -= both;
    if (offset != end) locator.fail("does not name the record before it");
    ByteReader record = at(end, kEnd64Bytes, "zip64 end");
    if (record.number(4) != kEnd64Signature || record.number(8) != kEnd64Bytes - 12)
      record.fail("is not a record of 56 bytes");
    record.skip(2 + 2 + 4 + 4 + 8);  // versions, disks, entries on this disk
    const auto merge = [&](uint64_t& narrow, uint64_t ones) {
      const uint64_t value = record.number(8);
      if (narrow != value && narrow != ones) record.fail("differs from the end of the archive");
      narrow = value;
    };
    merge(found.entries, kWide16);
    merge(found.size, kWide32);
    merge(found.offset, kWide32);
    return end;
  }

  Header read_header(ByteReader& reader) const {
    if (reader.number(4) != kCentralSignature)
      reader.fail("no entry at byte " + std::to_string(reader.at() - 4));
    reader.skip(2 + 2);  // versions
    Header header{};
    header.flags = reader.number(2);
    header.method = reader.number(2);
    reader.skip(2 + 2 + 4);  // time, date, checksum
    header.stored = reader.number(4);
    header.size = reader.number(4);
    const uint64_t name = reader.number(2), extra = reader.number(2), comment = reader.number(2),
                   disk = reader.number(2);
    reader.skip(2 + 4);  // attributes
    header.offset = reader.number(4);
    header.name = reader.text(name);
    widen(header, reader.take(extra));
    reader.skip(comment);
    if (disk != 0) fail(header, "lies in another file", ErrorCode::kUnsupported);
    check_plain(header);
    return header;
  }

  void widen(Header& header, std::span<const std::byte> extra) const {
    ByteReader reader(extra, what_ + ": entry " + quoted_bytes(header.name) + ": extra field");
    while (reader.left() > 0) {
      const uint64_t id = reader.number(2), size = reader.number(2);
      ByteReader field(reader.take(size),
                       what_ + ": entry " + quoted_bytes(header.name) + ": zip64 field");
      if (id != kZip64Extra) continue;
      for (uint64_t* value : {&header.size, &header.stored, &header.offset}) {
        if (*value == kWide32) *value = field.number(8);
      }
    }
  }

  void check_plain(const Header& header) const {
    if (header.method != 0) {
      fail(header,
           "is compressed (method " + std::to_string(header.method) +
               "): expected entries stored as they are, as torch.save writes them",
           ErrorCode::kUnsupported);
    }
    if ((header.flags & ~(kSizesFollow | kUtf8Name)) != 0) {
      fail(header,
           "has the flags " + std::to_string(header.flags) +
               " (encrypted or patched): torch.save does not write these",
           ErrorCode::kUnsupported);
    }
    if (header.size != header.stored) fail(header, "is stored in another size than its own");
  }

  std::span<const std::byte> data_of(const Header& header) {
    if (header.offset > directory_.offset) fail(header, "begins after the end of the data");
    ByteReader local = at(header.offset, directory_.offset - header.offset,
                          "entry " + quoted_bytes(header.name) + ": local header");
    if (local.number(4) != kLocalSignature) local.fail("is not where the directory says");
    local.skip(2);  // version
    const uint64_t flags = local.number(2), method = local.number(2);
    local.skip(2 + 2 + 4);  // time, date, checksum
    const uint64_t stored = local.number(4), size = local.number(4), name = local.number(2),
                   extra = local.number(2);
    const auto agrees = [&](uint64_t narrow) {
      return (header.flags & kSizesFollow) != 0 || narrow == kWide32 || narrow == header.size;
    };
    if (local.text(name) != header.name || flags != header.flags || method != header.method ||
        !agrees(stored) || !agrees(size)) {
      local.fail("differs from the directory");
    }
    local.skip(extra);
    const auto data = local.take(header.size);
    places_.push_back({header.offset, header.offset + local.at(), header.name});
    return data;
  }

  void check_overlaps() {
    std::ranges::sort(places_, {}, &Place::begin);
    for (size_t i = 1; i < places_.size(); ++i) {
      if (places_[i].begin < places_[i - 1].end) {
        fail("entries " + quoted_bytes(places_[i - 1].name) + " and " +
             quoted_bytes(places_[i].name) + " overlap");
      }
    }
  }

  std::span<const std::byte> bytes_;
  const std::string& what_;
  Directory directory_{};
  std::vector<Place> places_;
};

}  // namespace

ZipEntries read_zip(std::span<const std::byte> bytes, const std::string& what) {
  return ZipReader(bytes, what).entries();
}

}  // namespace vecton::checkpoint
