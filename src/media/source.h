// The bytes of a picture from where a request says they are: a data: URI, a file, or an address of
// the web where the operator allows its host.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace vecton::media {

struct SourceOptions {
  // Folder that paths and file: URLs may lie in, symlinks resolved; empty = none are read.
  std::filesystem::path allowed_path = "/";
  // Hosts that pictures may be fetched from, by their names; "*" = all that have a public address.
  // A host in a private network has to be named. Empty = none: nothing is fetched.
  std::vector<std::string> allowed_domains{};
  int64_t max_bytes = int64_t{64} << 20;
  std::chrono::milliseconds timeout{10'000};  // of a whole answer
};

// `what` names the picture in errors ("images[0]"). Errors: kInvalidArgument, kNotFound, kIo,
// kNetwork. Thread-safe.
std::string read_source(std::string_view source, const SourceOptions& options,
                        const std::string& what);

// The host that an http or https URL names, in lower case, without a port; empty where the URL is
// none, or may be read in more than one way.
std::string host_of(std::string_view url);

// Not of this machine, of a private network, or of a special purpose (RFC 6890).
bool is_public_address(const sockaddr& address);

}  // namespace vecton::media
