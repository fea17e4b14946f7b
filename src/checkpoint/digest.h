// Checksums, of files as the hub names them, and of pictures. For one thread.
#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <memory>
#include <string>

#include "vecton/error.h"

namespace vecton::hub {

class Digest {
 public:
  explicit Digest(const EVP_MD* kind) : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    check(context_ && EVP_DigestInit_ex(context_.get(), kind, nullptr) == 1);
  }
  void add(const void* data, size_t size) {
    check(EVP_DigestUpdate(context_.get(), data, size) == 1);
  }
  // The end: one of these, once.
  std::string bytes() {
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    check(EVP_DigestFinal_ex(context_.get(), value, &size) == 1);
    return {reinterpret_cast<const char*>(value), size};
  }
  std::string hex() {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const char c : bytes()) {
      const auto value = static_cast<unsigned char>(c);
      text += {kDigits[value >> 4], kDigits[value & 15]};
    }
    return text;
  }

 private:
  static void check(bool ok) {
    if (!ok) throw Error(ErrorCode::kInternal, "OpenSSL gives no checksum");
  }
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace vecton::hub
