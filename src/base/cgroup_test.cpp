#include "base/cgroup.h"

#include <gtest/gtest.h>

#include "base/temporary_folder.h"

namespace vecton::base {
namespace {

class Cgroup : public ::testing::Test {
 protected:
  void put(const std::string& file, const std::string& text) { folder_.write(file, text); }
  CgroupLimits limits() const { return cgroup_limits(folder_.path()); }
  TemporaryFolder folder_;
};

TEST_F(Cgroup, NoneWithoutFiles) {
  EXPECT_FALSE(limits().cores);
  EXPECT_FALSE(limits().memory);
}

TEST_F(Cgroup, Version2OfAContainer) {
  put("proc/self/cgroup", "0::/\n");
  put("sys/fs/cgroup/cpu.max", "150000 100000\n");
  put("sys/fs/cgroup/memory.max", "1000000\n");
  put("sys/fs/cgroup/memory.current", "700000\n");
  put("sys/fs/cgroup/memory.stat", "anon 300000\ninactive_file 400000\n");
  EXPECT_EQ(limits().cores, 1.5);
  EXPECT_EQ(limits().memory, 1000000);
  EXPECT_EQ(limits().memory_left, 700000);
}

TEST_F(Cgroup, TheTightestOfTheGroupsAround) {
  put("proc/self/cgroup", "0::/slice/service\n");
  put("sys/fs/cgroup/slice/cpu.max", "400000 100000\n");
  put("sys/fs/cgroup/slice/service/cpu.max", "max 100000\n");
  put("sys/fs/cgroup/slice/memory.max", "5000\n");
  put("sys/fs/cgroup/slice/memory.current", "4000\n");
  put("sys/fs/cgroup/slice/service/memory.max", "3000\n");
  put("sys/fs/cgroup/slice/service/memory.current", "100\n");
  EXPECT_EQ(limits().cores, 4);
  EXPECT_EQ(limits().memory, 3000);
  EXPECT_EQ(limits().memory_left, 1000);
}

TEST_F(Cgroup, Version1AndItsWordForNoLimit) {
  put("proc/self/cgroup", "5:cpuacct,cpu:/a\n4:memory:/a\n0::/\n");
  put("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "200000\n");
  put("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put("sys/fs/cgroup/memory/memory.usage_in_bytes", "5\n");
  put("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "2000\n");
  put("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "500\n");
  EXPECT_EQ(limits().cores, 2);
  EXPECT_EQ(limits().memory, 2000);
  EXPECT_EQ(limits().memory_left, 1500);
}

}  // namespace
}  // namespace vecton::base
