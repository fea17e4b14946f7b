// The entries of a zip archive that stores them as they are: no compression, no encryption, one
// file; with or without zip64 records. Format: APPNOTE.TXT of PKWARE. Checksums are not compared:
// torch writes archives without them on request and never reads them.
// Called by torch_file.cpp; a function of its arguments, for any thread.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace vecton::checkpoint {

using ZipEntries = std::map<std::string_view, std::span<const std::byte>>;

// Names and bytes lie within `bytes`; no two entries overlap. Errors (kCorrupt, kUnsupported for
// what zip has and torch does not write) name `what` and the entry.
ZipEntries read_zip(std::span<const std::byte> bytes, const std::string& what);

}  // namespace vecton::checkpoint
