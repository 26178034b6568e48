#include "gemmetry/calibrate/calibration_file.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "calibrate/made_up.h"

namespace gemmetry::calibrate {
namespace {

TEST(CalibrationFile, ReadsBackAsItWasWritten) {
  gpu::Calibration calibration = structured("h200");
  calibration.gemm.wave_s = 1.23456789e-6;
  calibration.power = gpu::PowerCoefficients{.idle_w = 100};
  calibration.alignment = {{2, {{1, 0.125}, {4, 0.4}}}};
  calibration.sources["power"] = "a \"test\"";
  Provenance from{
      .files = {"a.csv"}, .records = {.used = 10, .held_out = 2}, .devices = {"NVIDIA H200"}, .tool = "1.0"};
  const GroupFit fit{Group::gemm, 8, 0.1, 0.05, parameters_of(Group::gemm, calibration)};
  const ShapeClass shape_class = class_of(op::Gemm{.m = 1, .n = 512, .k = 512}, gpu::Clocks::burst);
  const std::string text = calibration_text(calibration, from, {fit}, {{shape_class, {.count = 2, .mape = 0.0123456}}});
  const gpu::Calibration read = gpu::calibration_from_json(text, "test");
  EXPECT_EQ(read.name, "h200");
  EXPECT_EQ(read.gemm.wave_s, 1.2346e-6);
  EXPECT_EQ(read.attention.query_tile_s, calibration.attention.query_tile_s);
  EXPECT_EQ(read.power->idle_w, 100);
  EXPECT_EQ(read.alignment, calibration.alignment);
  EXPECT_EQ(read.sources.at("power"), "a \"test\"");
  EXPECT_EQ(read.errors.at("product").shared, calibration.errors.at("product").shared);

  const nlohmann::json json = nlohmann::json::parse(text);
  EXPECT_EQ(json.at("fit").at("data").at("records"), 8);
  EXPECT_EQ(json.at("fit").at("data").at("files").at(0), "a.csv");
  EXPECT_EQ(json.at("fit").at("groups").at("gemm").at("ranges").size(), gpu::GemmCoefficients::fields().size());
  EXPECT_EQ(json.at("fit").at("held_out").at("gemm bf16 burst aligned m <= 64").at("mape"), 0.012346);
}

TEST(CalibrationFile, KeepsWhatWasLearned) {
  gpu::Calibration calibration = structured("h200");
  gpu::Residual residual{.features = {"log2_m", "fill"},
                         .dtypes = {shape::Dtype::bf16},
                         .ranges = {{"log2_m", {0, 14.5}}},
                         .trees = {{{1, -1, -1}, {0.1F, -0.25F, 0.333F}}, {{-1}, {0}}},
                         .errors = {{"product", {0.01, 0.02}}}};
  calibration.residuals["gemm"] = residual;
  calibration.sources["residuals"] = "trees";
  const gpu::Calibration read = gpu::calibration_from_json(calibration_text(calibration, {}, {}, {}), "test");
  const gpu::Residual& back = read.residuals.at("gemm");
  EXPECT_EQ(back.features, residual.features);
  EXPECT_EQ(back.dtypes, residual.dtypes);
  EXPECT_EQ(back.ranges.at("log2_m").high, 14.5);
  ASSERT_EQ(back.trees.size(), 2u);
  EXPECT_EQ(back.trees[0].split, residual.trees[0].split);
  EXPECT_EQ(back.trees[0].number, residual.trees[0].number);
  EXPECT_TRUE(back.spread.empty());
  EXPECT_EQ(back.errors.at("product").independent, 0.02);
}

TEST(CalibrationFile, KnowsWhatTheRecordsAreOf) {
  measure::Record record;
  std::snprintf(record.device.name, sizeof record.device.name, "NVIDIA H200");
  std::snprintf(record.device.gpu, sizeof record.device.gpu, "h200");
  std::snprintf(record.device.driver, sizeof record.device.driver, "580.1");
  record.time = "2026-11-22T10:00:00Z";
  measure::Record other = record;
  other.time = "2026-11-21T10:00:00Z";
  measure::Record foreign = record;
  std::snprintf(foreign.device.gpu, sizeof foreign.device.gpu, "h100");
  foreign.time = "2020-01-01T00:00:00Z";
  Provenance from;
  add(from, {record, other, foreign}, "h200");
  EXPECT_EQ(from.devices, std::set<std::string>{"NVIDIA H200, driver 580.1"});
  EXPECT_EQ(from.first_time, other.time);
  EXPECT_EQ(from.last_time, record.time);
}

}  // namespace
}  // namespace gemmetry::calibrate
