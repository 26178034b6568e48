#include "gemmetry/measure/execution.h"

#include <gtest/gtest.h>

#include <set>

#include "gemmetry/measure/execution_store.h"
#include "gemmetry/measure/executions.h"
#include "gemmetry/shape/import.h"
#include "measure/records.h"

namespace gemmetry::measure {
namespace {

Whole whole_of(const char* preset, WholeKind kind = WholeKind::model) {
  Whole whole;
  whole.kind = kind;
  whole.model = shape::preset(preset);
  return whole;
}

/// A record in which every field is set, to numbers that no short decimal holds.
Execution full_execution(const char* preset = "gpt2") {
  Whole whole = whole_of(preset);
  whole.baseline = whole.model;
  whole.model.adapter = shape::Adapter{shape::AdapterKind::houlsby, 10};
  Execution execution = blank_execution(whole, {gpu::Clocks::sustained, Policy::tuned, Replay::stream});
  execution.fused_steps = true;
  execution.measurement.median_s = 2.0 / 3e3;
  execution.measurement.p10_s = 1.0 / 3e3;
  execution.measurement.p90_s = 4.0 / 3e3;
  execution.measurement.clocks.clock_mhz = 1980.5;
  execution.low_s = 1.5 / 3e3;
  execution.high_s = 2.5 / 3e3;
  execution.samples = 7;
  execution.prompt_s = 1.0 / 7e3;
  execution.slowdown = Slowdown{1.0 / 9e3, 1.0 / 3, 1.0 / 7, 2.0 / 3};
  for (int i = 0; i <= static_cast<int>(op::Module::data_parallel); ++i)
    execution.module_s[static_cast<op::Module>(i)] = 1.0 / (3e4 + i);
  execution.device = full_record(op::Gemm{}).device;
  execution.tool = "0.1.0";
  execution.time = "2026-11-22T10:49:03Z";
  execution.command = "gemmetry measure model gpt2";
  return execution;
}

std::vector<std::string> texts(const Execution& execution) {
  std::vector<std::string> all;
  for (const ExecutionField& field : execution_fields()) all.push_back(text_of(field.get(execution)));
  return all;
}

TEST(Whole, SizesThatMatterAreInTheText) {
  EXPECT_EQ(model_text(WholeKind::model, shape::preset("gpt3-2.7b")),
            "h=2560 L=32 v=50257 a=32 d=80 qkv_bias output_bias qkv_fused ff=10240 gelu ffn_bias learned layer_norm");
  std::set<std::string> seen;
  std::size_t presets = 0;
  const auto distinct = [](shape::Model model) {
    model.name = model.family = "";
    model.constants = {};
    model.max_positions = model.position_rows = 0;
    return model;
  };
  std::vector<shape::Model> known;
  for (const std::string& name : shape::preset_names()) {
    const shape::Model model = distinct(shape::preset(name));
    const bool is_new = std::find(known.begin(), known.end(), model) == known.end();
    if (!is_new) continue;
    known.push_back(model);
    ++presets;
    EXPECT_TRUE(seen.insert(model_text(WholeKind::model, model)).second) << name << " reads as another preset";
  }
  EXPECT_EQ(seen.size(), presets);
}

TEST(Whole, ALayerIsTheSameInADeeperModel) {
  shape::Model model = shape::preset("gpt2");
  const std::string layer = model_text(WholeKind::layer, model);
  shape::set_layers(model, 3);
  model.vocab = 64;
  EXPECT_EQ(model_text(WholeKind::layer, model), layer);
  EXPECT_NE(model_text(WholeKind::model, model), model_text(WholeKind::model, shape::preset("gpt2")));
  model.ffn.width = 8;
  EXPECT_NE(model_text(WholeKind::layer, model), layer);
  EXPECT_EQ(model_text(WholeKind::attention, model), model_text(WholeKind::attention, shape::preset("gpt2")));
}

TEST(Whole, TheWorkloadIsOneLine) {
  Whole whole = whole_of("gpt2");
  EXPECT_EQ(workload_text(whole), "forward b=4 s=2048 bf16");
  whole.workload.phase = shape::Phase::training;
  whole.workload.attention = shape::AttentionKind::unfused;
  whole.workload.recompute = shape::Recompute::full;
  EXPECT_EQ(workload_text(whole), "training b=4 s=2048 bf16 unfused recompute=full");
  whole.workload = {};
  whole.workload.phase = shape::Phase::decode;
  whole.workload.cache = 1000;
  EXPECT_EQ(workload_text(whole), "decode b=4 cache=1000 bf16");
  whole.kind = WholeKind::answer;
  whole.workload.phase = shape::Phase::prefill;
  whole.new_tokens = 64;
  EXPECT_EQ(workload_text(whole), "answer b=4 s=2048 new=64 bf16");
  EXPECT_EQ(tokens(whole), 256);
}

TEST(Execution, IsReadAsItIsWritten) {
  const Execution execution = full_execution();
  const std::vector<std::string> written = texts(execution);
  for (std::size_t i = 0; i < written.size(); ++i)
    EXPECT_TRUE(!written[i].empty() || execution_fields()[i].key == "reason") << execution_fields()[i].key;
  const Execution again = read_execution([&](std::size_t i) { return written[i]; });
  EXPECT_EQ(texts(again), written);
  EXPECT_EQ(identity(again), identity(execution));
}

TEST(Execution, MistakesNameTheColumn) {
  const auto refusal = [](const std::string& key, const std::string& text) {
    std::vector<std::string> cells = texts(full_execution());
    for (std::size_t i = 0; i < cells.size(); ++i)
      if (execution_fields()[i].key == key) cells[i] = text;
    return error_of([&] { read_execution([&](std::size_t i) { return cells[i]; }); });
  };
  EXPECT_TRUE(refusal("run", "layr").starts_with("column 'run': run 'layr' is unknown: use layer"))
      << refusal("run", "layr");
  EXPECT_TRUE(refusal("time_s", "fast").starts_with("column 'time_s': "));
  EXPECT_TRUE(refusal("time_s", "0").starts_with("column 'time_s': a record that is ok has a time above 0"));
  EXPECT_TRUE(refusal("model", "").starts_with("column 'model': is empty"));
  EXPECT_TRUE(refusal("modules.attention", "x").starts_with("column 'modules.attention': "));
}

TEST(Execution, WhatWasAskedTellsRecordsApart) {
  const Execution one = full_execution();
  Execution other = one;
  other.name = "another name";
  other.measurement.median_s = 1;
  EXPECT_EQ(identity(other), identity(one));
  other.setting.replay = Replay::graph;
  EXPECT_NE(question(other), question(one));
  other = one;
  other.baseline.clear();
  EXPECT_NE(question(other), question(one));
  other = one;
  set_text(other.device.products, "cublasLt 14");
  EXPECT_EQ(question(other), question(one));
  EXPECT_NE(identity(other), identity(one));
}

TEST(Execution, TheBetterRecordAnswers) {
  Execution early = full_execution();
  early.fused_steps = false;
  Execution late = early, failed = early;
  late.time = "2026-12-01T00:00:00Z";
  failed.time = "2026-12-02T00:00:00Z";
  failed.status = RecordStatus::failed;
  failed.samples = 0;
  Whole whole = whole_of("gpt2");
  whole.baseline = whole.model;
  whole.model.adapter = shape::Adapter{shape::AdapterKind::houlsby, 10};
  const Executions all({early, failed, late});
  const Execution* found = all.find(whole, early.setting);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->time, late.time);
  EXPECT_FALSE(all.find(whole, {}));
  whole.workload.batch = 5;
  EXPECT_FALSE(all.find(whole, early.setting));
}

TEST(ExecutionStore, KeepsEveryFieldBesideRecords) {
  const Scratch folder;
  const Execution execution = full_execution();
  RecordStore records(folder.path("a.db"));
  {
    ExecutionStore store(folder.path("a.db"));
    EXPECT_TRUE(store.put(execution));
    EXPECT_FALSE(store.put(execution));
  }
  ExecutionStore store(folder.path("a.db"), Access::read);
  const std::optional<Execution> again = store.get(identity(execution));
  ASSERT_TRUE(again);
  EXPECT_EQ(texts(*again), texts(execution));
  EXPECT_EQ(store.list().size(), 1u);
  EXPECT_FALSE(store.get("no such"));
  EXPECT_EQ(records.count(), 0);
}

TEST(ExecutionStore, OnlyWhatFailedIsReplaced) {
  const Scratch folder;
  ExecutionStore store(folder.path("a.db"));
  Execution failed = full_execution();
  failed.status = RecordStatus::failed;
  EXPECT_TRUE(store.put(failed));
  EXPECT_TRUE(store.put(full_execution()));
  EXPECT_EQ(store.list().size(), 1u);
  Execution other = full_execution();
  other.measurement.median_s = 5;
  const Admission done = store.put_all({other, full_execution(), full_execution("gpt2-medium")});
  EXPECT_EQ(done.added, 1);
  EXPECT_EQ(done.present, 1);
  EXPECT_EQ(done.conflicting, 1);
}

TEST(ExecutionStore, OlderFilesAreBroughtUp) {
  const Scratch folder;
  const std::string path = folder.path("old.db");
  RecordStore(path).put(full_record(op::Gemm{.m = 8, .n = 8, .k = 8}));
  {
    Database database(path, Access::write);
    database.execute("DROP TABLE executions");
    database.execute("PRAGMA user_version = 1");
  }
  ExecutionStore store(path);
  EXPECT_TRUE(store.put(full_execution()));
  EXPECT_EQ(RecordStore(path).count(), 1);
  EXPECT_EQ(Database(path, Access::read).number("PRAGMA user_version"), RecordStore::schema_version);
}

}  // namespace
}  // namespace gemmetry::measure
