#include "engine/fetched_pictures.h"

#include <utility>

namespace vecton::engine {

FetchedPictures::Bytes FetchedPictures::get(const std::string& url,
                                            const std::function<std::string()>& fetch) {
  if (const auto found = kept_.find(url); found != kept_.end()) return found->second;
  auto fetched = std::make_shared<const std::string>(fetch());
  const int64_t size = std::ssize(*fetched);
  if (bytes_ + size > kMostBytes) return fetched;
  bytes_ += size;
  kept_.emplace(url, fetched);
  return fetched;
}

}  // namespace vecton::engine
