#include "gemmetry/measure/record_check.h"

#include <gtest/gtest.h>

#include <limits>

#include "gemmetry/measure/site.h"
#include "measure/records.h"

namespace gemmetry::measure {
namespace {

using op::Gemm;

/// A product on an H200 that nothing is wrong with.
FiledRecord filed(const op::Operator& op, double time_s, std::int64_t line = 2) {
  FiledRecord filed;
  Record& record = filed.record;
  record.op = op;
  record.measurement.median_s = time_s;
  record.measurement.p10_s = 0.99 * time_s;
  record.measurement.p90_s = 1.01 * time_s;
  record.measurement.precision = 0.005;
  record.measurement.clocks = {1980, 1980, 3201, 180, 35, ""};
  record.samples = 10;
  record.error = 0.2;
  set_text(record.algorithm.library, "cublasLt");
  set_text(record.algorithm.kernel, "algo 66");
  record.algorithm.id = 66;
  record.algorithm.tile_m = 128;
  record.algorithm.tile_n = 256;
  set_text(record.device.gpu, "h200");
  set_text(record.device.products, "cublasLt 13.1.0");
  filed.line = line;
  filed.held_out = is_held_out(op);
  return filed;
}

FiledRecord product(std::int64_t m, double time_s, std::int64_t line = 2) {
  return filed(Gemm{1, m, 4096, 4096}, time_s, line);
}

RecordCheck check(std::vector<FiledRecord> records) { return check_records({{"a.csv", std::move(records), {}}}); }

/// The finding or, where there is not exactly one, their number.
RecordFinding only_finding(const RecordCheck& check) {
  if (check.findings.size() == 1) return check.findings.front();
  return {"", 0, std::to_string(check.findings.size()) + " findings", ""};
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(RecordCheck, FindsNothingWhereNothingIsWrong) {
  const RecordCheck result = check({product(4096, 2e-4), product(8192, 4e-4, 3)});
  EXPECT_TRUE(result.findings.empty()) << result.findings.front().why;
  EXPECT_TRUE(result.notes.empty());
  ASSERT_EQ(result.files.size(), 1u);
  EXPECT_EQ(result.files[0].file, "a.csv");
  EXPECT_EQ(result.files[0].records, 2);
  EXPECT_EQ(result.files[0].ok, 2);
  EXPECT_EQ(result.files[0].held_out, 0);
  EXPECT_EQ(result.files[0].steps, 1);
  EXPECT_EQ(result.files[0].falls, 0);
  EXPECT_TRUE(check_records({}).files.empty());
}

TEST(RecordCheck, NumbersOfWhatIsOkMustBeThere) {
  const std::pair<void (*)(Record&), const char*> mistakes[] = {
      {[](Record& r) { r.samples = 0; }, "no samples"},
      {[](Record& r) { r.measurement.median_s = 0; }, "time_s = 0 is no time"},
      {[](Record& r) { r.measurement.median_s = -1; }, "time_s = -1 is no time"},
      {[](Record& r) { r.measurement.median_s = std::numeric_limits<double>::quiet_NaN(); }, "time_s = nan"},
      {[](Record& r) { r.measurement.p10_s = 3e-4; }, "do not ascend"},
      {[](Record& r) { r.measurement.p90_s = 1e-4; }, "do not ascend"},
      {[](Record& r) { r.measurement.p10_s = 0; }, "do not ascend"},
      {[](Record& r) { r.measurement.p90_s = std::numeric_limits<double>::infinity(); }, "do not ascend"},
      {[](Record& r) { r.measurement.precision = -0.1; }, "precision = -0.1"},
      {[](Record& r) { r.error = 1.5; }, "error = 1.5"},
      {[](Record& r) { r.measurement.clocks.power_w = 0; }, "power_w = 0"},
      {[](Record& r) { r.device.gpu[0] = 0; }, "neither gpu nor device"},
  };
  for (const auto& [change, says] : mistakes) {
    FiledRecord wrong = product(4096, 2e-4, 7);
    change(wrong.record);
    const RecordFinding finding = only_finding(check({wrong}));
    EXPECT_EQ(finding.what, "schema") << says;
    EXPECT_EQ(finding.line, 7);
    EXPECT_TRUE(holds(finding.why, says)) << finding.why;
  }
}

TEST(RecordCheck, MistakesOfReadingAreFindings) {
  const RecordCheck result = check_records({{"a.csv", {product(4096, 2e-4)}, {{9, "column 'n': n = 'x'"}}}});
  const RecordFinding finding = only_finding(result);
  EXPECT_EQ(finding.file, "a.csv");
  EXPECT_EQ(finding.line, 9);
  EXPECT_EQ(finding.what, "schema");
  EXPECT_EQ(finding.why, "column 'n': n = 'x'");
  EXPECT_EQ(result.files[0].findings, 1);
}

TEST(RecordCheck, ARecordIsThereOnceInAllFiles) {
  EXPECT_EQ(only_finding(check({product(4096, 2e-4, 2), product(4096, 2.1e-4, 5)})).what, "duplicate");
  const RecordCheck result =
      check_records({{"a.csv", {product(4096, 2e-4, 2)}, {}}, {"b.csv", {product(4096, 2e-4, 3)}, {}}});
  const RecordFinding finding = only_finding(result);
  EXPECT_EQ(finding.file, "b.csv");
  EXPECT_EQ(finding.line, 3);
  EXPECT_TRUE(holds(finding.why, "a.csv:2 has the same: gemm batch=1 m=4096")) << finding.why;
  EXPECT_EQ(result.files[0].findings, 0);
  EXPECT_EQ(result.files[1].findings, 1);
  FiledRecord again = product(4096, 2e-4, 5);
  again.record.take = 1;
  EXPECT_TRUE(check({product(4096, 2e-4), again}).findings.empty());
}

TEST(RecordCheck, FailuresAreFindingsAndWhatWasNotMeasuredIsNot) {
  std::vector<FiledRecord> records;
  for (const RecordStatus status :
       {RecordStatus::failed, RecordStatus::skipped, RecordStatus::skipped, RecordStatus::untrusted}) {
    const auto line = static_cast<std::int64_t>(records.size()) + 2;
    records.push_back(product(16 * line, 2e-4, line));
    records.back().record.status = status;
    records.back().record.reason = std::string("it was ") + std::string(name(status));
  }
  const RecordCheck result = check(records);
  const RecordFinding finding = only_finding(result);
  EXPECT_EQ(finding.what, "failed");
  EXPECT_TRUE(holds(finding.why, "m=32")) << finding.why;
  EXPECT_TRUE(holds(finding.why, "it was failed")) << finding.why;
  ASSERT_EQ(result.notes.size(), 2u);
  EXPECT_EQ(result.notes[0].what, "skipped");
  EXPECT_EQ(result.notes[0].why, "it was skipped");
  EXPECT_EQ(result.notes[0].records, 2);
  EXPECT_EQ(result.notes[0].line, 3);
  EXPECT_EQ(result.notes[1].what, "untrusted");
  EXPECT_EQ(result.notes[1].line, 5);
  EXPECT_EQ(result.files[0].failed + result.files[0].skipped + result.files[0].untrusted, 4);
  records[1].record.reason.clear();
  EXPECT_EQ(check({records[1]}).findings.size(), 1u);
}

TEST(RecordCheck, NothingIsFasterThanTheHardware) {
  const double floor_s = 2.0 * 4096 * 4096 * 4096 / (989.4e12 * 1980 / 1830);
  EXPECT_EQ(only_finding(check({product(4096, 0.97 * floor_s)})).what, "above peak");
  EXPECT_TRUE(check({product(4096, 0.99 * floor_s)}).findings.empty());
  FiledRecord elsewhere = product(4096, 1e-6);
  set_text(elsewhere.record.device.gpu, "unknown");
  EXPECT_TRUE(check({elsewhere}).findings.empty());
}

TEST(RecordCheck, HeldOutIsWhatTheSiteSays) {
  FiledRecord wrong = product(4096, 2e-4);
  wrong.held_out = true;
  const RecordFinding finding = only_finding(check({wrong}));
  EXPECT_EQ(finding.what, "held out");
  EXPECT_EQ(finding.why, "its site 'gemm 4096 4096' is not held out");
  FiledRecord held = filed(Gemm{1, 512, 11008, 4096}, 2e-4);
  const RecordCheck result = check({held});
  EXPECT_TRUE(result.findings.empty());
  EXPECT_EQ(result.files[0].held_out, 1);
  held.held_out = false;
  EXPECT_EQ(only_finding(check({held})).what, "held out");
  held.held_out.reset();
  EXPECT_TRUE(check({held}).findings.empty());
}

TEST(RecordCheck, ProductsNameTheirAlgorithm) {
  FiledRecord unnamed = product(4096, 2e-4);
  unnamed.record.algorithm.id = 0;
  EXPECT_TRUE(check({unnamed}).findings.empty());  // there is an algorithm 0
  unnamed.record.algorithm.kernel[0] = 0;
  EXPECT_EQ(only_finding(check({unnamed})).what, "algorithm");
  FiledRecord untiled = product(1, 2e-5);
  untiled.record.algorithm.tile_n = 0;
  const RecordCheck result = check({untiled});
  EXPECT_TRUE(result.findings.empty());
  ASSERT_EQ(result.notes.size(), 1u);
  EXPECT_EQ(result.notes[0].what, "algorithm");
  set_text(unnamed.record.algorithm.library, "cublas");
  EXPECT_TRUE(check({unnamed}).findings.empty());
}

TEST(RecordCheck, LowClocksAreNotes) {
  FiledRecord slow = product(8192, 4e-4, 3);
  slow.record.measurement.clocks.clock_mhz = 1900;
  const RecordCheck low = check({product(4096, 2e-4), slow});
  EXPECT_TRUE(low.findings.empty());
  ASSERT_EQ(low.notes.size(), 1u);
  EXPECT_EQ(low.notes[0].what, "clocks");
  EXPECT_EQ(low.notes[0].line, 3);
  EXPECT_TRUE(holds(low.notes[0].why, "1980 MHz")) << low.notes[0].why;
  slow.record.measurement.clocks.clock_mhz = 1921;
  EXPECT_TRUE(check({product(4096, 2e-4), slow}).notes.empty());
  slow.record.setting.clocks = gpu::Clocks::sustained;
  slow.record.measurement.clocks.clock_mhz = 1300;
  EXPECT_TRUE(check({product(4096, 2e-4), slow}).notes.empty());
  slow.record.measurement.clocks.power_w.reset();
  EXPECT_EQ(check({slow}).notes.size(), 1u);
}

TEST(RecordCheck, MoreWorkTakesNoLess) {
  const RecordCheck fallen = check({product(1024, 1e-3, 2), product(2048, 5.9e-4, 3), product(4096, 6e-4, 4)});
  const RecordFinding finding = only_finding(fallen);
  EXPECT_EQ(finding.what, "falls");
  EXPECT_EQ(finding.line, 3);
  EXPECT_TRUE(holds(finding.why, "m = 1024 in its place (a.csv:2) 0.001 s")) << finding.why;
  EXPECT_EQ(fallen.files[0].steps, 2);
  EXPECT_EQ(fallen.files[0].falls, 0);

  const RecordCheck notable = check({product(1024, 1e-3, 2), product(2048, 7e-4, 3), product(4096, 9e-4, 4)});
  EXPECT_TRUE(notable.findings.empty());
  EXPECT_EQ(notable.files[0].falls, 1);
  EXPECT_EQ(check({product(1024, 1e-3, 2), product(2048, 8.1e-4, 3)}).files[0].falls, 0);
}

TEST(RecordCheck, ManySmallFallsMakeOne) {
  const RecordCheck result =
      check({product(1024, 2e-3, 2), product(2048, 1.5e-3, 3), product(3072, 1.1e-3, 4), product(4096, 1.05e-3, 5)});
  EXPECT_EQ(only_finding(result).line, 4);
}

TEST(RecordCheck, ComparesWhatIsComparable) {
  // another alignment, another record of the same size, and kernels so short that splitting them decides
  EXPECT_TRUE(check({product(1025, 1e-3, 2), product(1032, 3e-4, 3)}).findings.empty());
  FiledRecord again = product(1024, 5e-4, 3);
  again.record.take = 1;
  EXPECT_TRUE(check({product(1024, 1e-3, 2), again}).findings.empty());
  EXPECT_TRUE(check({filed(op::Norm{16, 64}, 3e-5), filed(op::Norm{16, 128}, 1.1e-5, 3)}).findings.empty());
  FiledRecord skipped = product(2048, 0, 3);
  skipped.record.status = RecordStatus::skipped;
  skipped.record.reason = "no memory";
  EXPECT_TRUE(check({product(1024, 1e-3, 2), skipped}).findings.empty());
}

TEST(RecordCheck, FindingsAreInOrderOfFilesAndLines) {
  const RecordCheck result = check_records(
      {{"z.csv", {product(2048, 5e-4, 4)}, {{9, "no"}}}, {"a.csv", {product(1024, 1e-3, 2)}, {{1, "neither"}}}});
  ASSERT_EQ(result.findings.size(), 3u);
  EXPECT_EQ(result.findings[0].line, 4);
  EXPECT_EQ(result.findings[1].line, 9);
  EXPECT_EQ(result.findings[2].file, "a.csv");
}

}  // namespace
}  // namespace gemmetry::measure
