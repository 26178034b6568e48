#include "gemmetry/measure/record_order.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "measure/records.h"

namespace gemmetry::measure {
namespace {

TEST(RecordOrder, KindThenSizesThenSettingThenTake) {
  std::vector<Record> records(9);
  records[0].op = op::Gemm{1, 8, 16, 16};
  records[1].op = op::Gemm{1, 8, 16, 128};  // sizes as numbers, not as texts
  records[2].op = op::Gemm{1, 8, 16, 128};
  records[2].take = 1;
  records[3].op = op::Gemm{1, 8, 16, 128};
  records[3].setting.policy = Policy::tuned;
  records[4].op = op::Gemm{1, 8, 16, 128};
  records[4].setting.clocks = gpu::Clocks::sustained;
  records[5].op = op::Gemm{1, 16, 8, 8};
  records[6].op = op::Gemm{2, 8, 8, 8};
  records[7].op = op::Attention{1, 8, 8};
  records[8].op = op::Norm{8, 8};
  std::vector<Record> sorted = records;
  std::reverse(sorted.begin(), sorted.end());
  std::sort(sorted.begin(), sorted.end(), comes_before);
  for (std::size_t i = 0; i < records.size(); ++i) EXPECT_EQ(identity(sorted[i]), identity(records[i])) << i;
}

TEST(RecordOrder, OfGpusByName) {
  Record a, b;
  set_text(a.device.gpu, "h100");
  set_text(b.device.gpu, "h200");
  EXPECT_TRUE(comes_before(a, b));
  EXPECT_FALSE(comes_before(b, a));
  EXPECT_FALSE(comes_before(a, a));
}

}  // namespace
}  // namespace gemmetry::measure
