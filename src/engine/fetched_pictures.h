// FetchedPictures: what the requests of one call have fetched from the web, so that a picture is
// asked for once however often they name it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace vecton::engine {

class FetchedPictures {
 public:
  using Bytes = std::shared_ptr<const std::string>;

  // The bytes at `url`: kept, or what `fetch` gives. Pictures beyond the bytes that are kept in all
  // are fetched each time.
  Bytes get(const std::string& url, const std::function<std::string()>& fetch);

 private:
  static constexpr int64_t kMostBytes = int64_t{256} << 20;

  std::map<std::string, Bytes> kept_;
  int64_t bytes_ = 0;
};

}  // namespace vecton::engine
