#include "engine/processor_sharing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

namespace vecton::engine {
namespace {

TEST(ProcessorSharing, ARequestAloneIsDoneAfterItsOwnTokens) {
  ProcessorSharing sharing;
  EXPECT_DOUBLE_EQ(sharing.arrive(100), 100);
  EXPECT_FALSE(sharing.idle());
  sharing.serve(100);
  EXPECT_TRUE(sharing.idle());
}

TEST(ProcessorSharing, AShortOneIsDoneBeforeALongOneThatCameFirst) {
  ProcessorSharing sharing;
  const double bulk = sharing.arrive(10000);
  sharing.serve(200);
  const double query = sharing.arrive(10);
  EXPECT_LT(query, bulk);
  EXPECT_DOUBLE_EQ(query, 210);
}

TEST(ProcessorSharing, VirtualTimeGoesTheSlowerTheMoreThereAre) {
  ProcessorSharing sharing;
  for (int i = 0; i < 4; ++i) EXPECT_DOUBLE_EQ(sharing.arrive(100), 100);
  sharing.serve(200);
  EXPECT_DOUBLE_EQ(sharing.arrive(10), 60);
  // 50 for the one of 10 that is done then, and what is left for the four of 40.
  sharing.serve(50 + 160);
  EXPECT_TRUE(sharing.idle());
}

// Requests come at random, in bulk and one by one; whoever would be done first is served first. A
// simulation by steps of one token to each in turn says when each is done where they share.
TEST(ProcessorSharing, NobodyIsDoneLaterThanWhereAllShare) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    struct Request {
      double turn = 0;
      int64_t left = 0;          // to be served
      double left_of_share = 0;  // of the simulation
    };
    std::vector<Request> requests;
    ProcessorSharing sharing;
    for (int step = 0; step < 8000; ++step) {
      if (step < 2000 && random() % 20 == 0) {
        const int64_t tokens = random() % 8 == 0 ? 200 : 1 + static_cast<int64_t>(random() % 5);
        requests.push_back({sharing.arrive(tokens), tokens, static_cast<double>(tokens)});
      }
      const auto served = std::ranges::min_element(requests, {}, [](const Request& r) {
        return r.left > 0 ? r.turn : std::numeric_limits<double>::infinity();
      });
      if (served == requests.end() || served->left == 0) continue;
      --served->left;
      sharing.serve(1);
      double share = 1;  // a token's worth of work, for all that are there
      while (share > 1e-12) {
        double count = 0, least = 1e300;
        for (const Request& r : requests) {
          if (r.left_of_share <= 1e-9) continue;
          ++count;
          least = std::min(least, r.left_of_share);
        }
        if (count == 0) break;
        const double each = std::min(least, share / count);
        for (Request& r : requests)
          if (r.left_of_share > 1e-9) r.left_of_share -= each;
        share -= each * count;
      }
      // Who is done there is done here, but for the token that is being served.
      for (const Request& r : requests) EXPECT_TRUE(r.left <= 1 || r.left_of_share > 1e-9);
    }
    EXPECT_TRUE(sharing.idle());
  }
}

}  // namespace
}  // namespace vecton::engine
