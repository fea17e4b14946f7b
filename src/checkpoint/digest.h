// Checksums of files, as the hub names them. For one thread.
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
  std::string hex() {
    static constexpr char kDigits[] = "0123456789abcdef";
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    check(EVP_DigestFinal_ex(context_.get(), value, &size) == 1);
    std::string text;
    for (unsigned i = 0; i < size; ++i) text += {kDigits[value[i] >> 4], kDigits[value[i] & 15]};
    return text;
  }

 private:
  static void check(bool ok) {
    if (!ok) throw Error(ErrorCode::kInternal, "OpenSSL gives no checksum");
  }
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace vecton::hub
