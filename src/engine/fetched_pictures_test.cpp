#include "engine/fetched_pictures.h"

#include <gtest/gtest.h>

#include "vecton/error.h"

namespace vecton::engine {
namespace {

TEST(FetchedPictures, AreFetchedOnce) {
  FetchedPictures pictures;
  int fetched = 0;
  const auto get = [&](const std::string& url, size_t size) {
    return *pictures.get(url, [&] {
      ++fetched;
      return std::string(size, url.back());
    });
  };
  EXPECT_EQ(get("http://a", 2), "aa");
  EXPECT_EQ(get("http://b", 1), "b");
  EXPECT_EQ(get("http://a", 2), "aa");
  EXPECT_EQ(fetched, 2);
  const auto fails = [&] {
    pictures.get("http://c", []() -> std::string { throw Error(ErrorCode::kNetwork, "no"); });
  };
  EXPECT_THROW(fails(), Error);
  EXPECT_EQ(get("http://c", 1), "c") << "what failed is not kept";
}

TEST(FetchedPictures, AreKeptUpToAPoint) {
  FetchedPictures pictures;
  int fetched = 0;
  for (int i = 0; i < 6; ++i) {
    pictures.get("http://" + std::to_string(i % 3), [&] {
      ++fetched;
      return std::string(size_t{100} << 20, 'x');
    });
  }
  EXPECT_EQ(fetched, 4) << "the third has no room, and is fetched again";
}

}  // namespace
}  // namespace vecton::engine
