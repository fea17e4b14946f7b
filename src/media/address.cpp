#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "media/source.h"

namespace vecton::media {

namespace {

struct Network {
  uint32_t address;
  int bits;
};

// Of IPv4, that are not of the public internet.
constexpr Network kSpecial[] = {
    {0x00000000, 8},   // "this" network
    {0x0a000000, 8},   // private
    {0x64400000, 10},  // shared by providers
    {0x7f000000, 8},   // this machine
    {0xa9fe0000, 16},  // link-local, where clouds keep their metadata
    {0xac100000, 12},  // private
    {0xc0000000, 24},  // protocol assignments
    {0xc0000200, 24},  // documentation
    {0xc0586300, 24},  // relays of 6to4
    {0xc0a80000, 16},  // private
    {0xc6120000, 15},  // benchmarks
    {0xc6336400, 24},  // documentation
    {0xcb007100, 24},  // documentation
    {0xe0000000, 3},   // multicast, reserved, broadcast
};

bool is_public(uint32_t address) {
  return std::ranges::none_of(kSpecial, [&](const Network& network) {
    return (address ^ network.address) >> (32 - network.bits) == 0;
  });
}

bool is_public(const std::array<uint8_t, 16>& bytes) {
  const auto v4_at = [&](size_t at) {
    return is_public(uint32_t{bytes[at]} << 24 | uint32_t{bytes[at + 1]} << 16 |
                     uint32_t{bytes[at + 2]} << 8 | bytes[at + 3]);
  };
  const bool zeros =
      std::all_of(bytes.begin(), bytes.begin() + 10, [](uint8_t b) { return b == 0; });
  if (zeros && bytes[10] == 0xff && bytes[11] == 0xff) return v4_at(12);  // an IPv4 address
  // IPv4 addresses behind translators.
  constexpr std::array<uint8_t, 12> kNat64{0x00, 0x64, 0xff, 0x9b};
  if (std::equal(kNat64.begin(), kNat64.end(), bytes.begin())) return v4_at(12);
  if (bytes[0] == 0x20 && bytes[1] == 0x02) return v4_at(2);
  const bool global = (bytes[0] & 0xe0) == 0x20;  // 2000::/3, all that has been given out
  const bool documentation =
      bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0x0d && bytes[3] == 0xb8;
  const bool teredo = bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0 && bytes[3] == 0;
  return global && !documentation && !teredo;
}

}  // namespace

bool is_public_address(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    return is_public(ntohl(v4.sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &address, sizeof v6);
    std::array<uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return is_public(bytes);
  }
  return false;
}

}  // namespace vecton::media
