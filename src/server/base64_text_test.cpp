#include "server/base64_text.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/base64.h"

namespace vecton::server {
namespace {

TEST(Base64Text, IsTheSameOnEveryInstructionSet) {
  std::mt19937 random(7);
  std::string bytes;
  for (int i = 0; i < 256 * 256; ++i) {  // every pair of bytes at every place of a group
    bytes += static_cast<char>(i >> 8);
    bytes += static_cast<char>(i & 0xFF);
  }
  while (bytes.size() % 12 != 1) bytes += static_cast<char>(random());
  for (const cpu::Isa isa : cpu::supported_isas()) {
    const WriteBase64 write = write_base64(isa);
    for (size_t start = 0; start < 3; ++start) {
      for (size_t size : {size_t{0}, size_t{1}, size_t{15}, size_t{16}, size_t{27}, size_t{28},
                          bytes.size() - start}) {
        const std::string some = bytes.substr(start, size);
        std::string text(some.size() / 3 * 4, '#');
        const size_t taken = write(text.data(), some);
        EXPECT_EQ(taken % 12, 0u);
        EXPECT_LE(taken, some.size());
        EXPECT_GE(taken + 27, isa == cpu::Isa::kScalar ? 0 : size);
        text.resize(taken / 3 * 4);
        EXPECT_TRUE(text == base::encode_base64(some.substr(0, taken)))
            << cpu::to_string(isa) << ", " << size << " from " << start;
      }
    }
  }
}

}  // namespace
}  // namespace vecton::server
