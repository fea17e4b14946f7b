#include "base/parking_lot.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace vecton::base {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kForEver{0};
bool sleeps() { return false; }

TEST(ParkingLot, DoesNotSleepWhereTheLastLookFindsSomething) {
  ParkingLot lot(1);
  EXPECT_TRUE(lot.sleep(0, kForEver, [] { return true; }));
}

TEST(ParkingLot, SaysThatNobodyCame) {
  ParkingLot lot(1);
  EXPECT_FALSE(lot.sleep(0, milliseconds(1), sleeps));
}

// What is announced while a worker looks a last time wakes it.
TEST(ParkingLot, WakesWhoIsAboutToSleep) {
  ParkingLot lot(1);
  EXPECT_TRUE(lot.sleep(0, kForEver, [&lot] {
    lot.wake(1);
    return false;
  }));
}

TEST(ParkingLot, WakesTheLastFirstAndNoMoreThanAsked) {
  ParkingLot lot(3);
  std::atomic<int> asleep{0}, woken{0};
  std::vector<std::thread> workers;
  for (int i = 0; i < 3; ++i) {
    workers.emplace_back([&, i] {
      lot.sleep(i, kForEver, [&] {
        ++asleep;
        return false;
      });
      woken = woken * 10 + i + 1;
    });
    while (asleep.load() <= i) std::this_thread::yield();
  }
  lot.wake(1);
  workers[2].join();
  EXPECT_EQ(woken.load(), 3);
  lot.wake(1);
  workers[1].join();
  EXPECT_EQ(woken.load(), 32);
  lot.wake(100);
  workers[0].join();
  EXPECT_EQ(woken.load(), 321);
  lot.wake(1);  // nobody
}

}  // namespace
}  // namespace vecton::base
