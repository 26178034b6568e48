#include "gemmetry/measure/work_series.h"

#include <gtest/gtest.h>

namespace gemmetry::measure {
namespace {

using op::Gemm;

/// "m: 16 32 64": the series with their sizes.
std::vector<std::string> series_of(const std::vector<Record>& records) {
  std::vector<const Record*> pointers;
  for (const Record& record : records) pointers.push_back(&record);
  std::vector<std::string> texts;
  for (const WorkSeries& series : work_series(pointers)) {
    std::string text = series.size_name + ":";
    for (const WorkSeries::Point& point : series.points) text += " " + std::to_string(point.size);
    texts.push_back(text);
  }
  return texts;
}

std::vector<Record> records_of(const std::vector<op::Operator>& ops) {
  std::vector<Record> records;
  for (const op::Operator& op : ops) {
    records.emplace_back();
    records.back().op = op;
  }
  return records;
}

using Texts = std::vector<std::string>;

TEST(WorkSeries, AscendsInTheOneSizeThatDiffers) {
  EXPECT_EQ(series_of(records_of({Gemm{1, 64, 32, 16}, Gemm{1, 16, 32, 16}, Gemm{1, 32, 32, 16}})),
            Texts{"m: 16 32 64"});
  EXPECT_EQ(series_of(records_of({Gemm{1, 16, 16, 16}, Gemm{1, 16, 32, 32}})), Texts{});
  EXPECT_EQ(series_of(records_of({})), Texts{});
}

TEST(WorkSeries, ARecordIsInOneForEachOfItsSizes) {
  EXPECT_EQ(series_of(records_of({Gemm{1, 16, 16, 16}, Gemm{1, 32, 16, 16}, Gemm{1, 16, 48, 16}, Gemm{1, 16, 16, 64}})),
            (Texts{"m: 16 32", "n: 16 48", "k: 16 64"}));
}

TEST(WorkSeries, IsOfOneAlignment) {
  EXPECT_EQ(series_of(records_of({Gemm{1, 16, 16, 4097}, Gemm{1, 16, 16, 4104}, Gemm{1, 16, 16, 4099},
                                  Gemm{1, 16, 16, 8}, Gemm{1, 16, 16, 4096}, Gemm{1, 16, 16, 16}})),
            (Texts{"k: 4097 4099", "k: 8 4104", "k: 16 4096"}));
}

TEST(WorkSeries, TellsOperatorsSettingsAndGpusApart) {
  std::vector<Record> records =
      records_of({Gemm{1, 16, 16, 16}, Gemm{1, 32, 16, 16, shape::Dtype::fp16},
                  Gemm{1, 48, 16, 16, shape::Dtype::bf16, op::Layout::tn}, Gemm{1, 64, 16, 16}, Gemm{1, 80, 16, 16},
                  Gemm{1, 96, 16, 16}, op::Norm{16, 16}, op::Softmax{32, 16}});
  records[3].setting.clocks = gpu::Clocks::sustained;
  records[4].setting.policy = Policy::tuned;
  records[5].device.gpu[0] = 'x';
  EXPECT_EQ(series_of(records), Texts{});
  records[3].setting = records[0].setting;
  records[3].take = 1;
  EXPECT_EQ(series_of(records), Texts{"m: 16 64"});
}

TEST(WorkSeries, LeavesOutSizesThatAreNoWork) {
  EXPECT_EQ(series_of(records_of({op::Attention{1, 64, 64, 32, 8}, op::Attention{1, 64, 64, 32, 32}})), Texts{});
  EXPECT_EQ(series_of(records_of(
                {op::Attention{1, 64, 64, 32, 8, 128, 128, 0}, op::Attention{1, 64, 64, 32, 8, 128, 128, 32}})),
            Texts{});
  EXPECT_EQ(series_of(records_of({op::Attention{1, 64, 64, 32, 8}, op::Attention{1, 64, 128, 32, 8}})),
            Texts{"keys: 64 128"});
}

}  // namespace
}  // namespace gemmetry::measure
