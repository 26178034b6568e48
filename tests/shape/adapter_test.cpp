#include "gemmetry/shape/adapter.h"

#include <gtest/gtest.h>

#include <string>

#include "gemmetry/base/error.h"
#include "gemmetry/shape/edit.h"
#include "gemmetry/shape/import.h"
#include "gemmetry/shape/memory.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::shape {
namespace {

Model adapted(const std::string& preset_name, const std::string& kind, std::int64_t rank) {
  ModelEdit edit;
  edit.adapter = kind;
  edit.adapter_rank = rank;
  return edited(preset(preset_name), edit);
}

template <class Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Adapter, IsReadByKindAndRank) {
  EXPECT_EQ(adapter_from_text("houlsby:64"), (Adapter{AdapterKind::houlsby, 64}));
  EXPECT_EQ(adapter_from_text("h:10"), (Adapter{AdapterKind::houlsby, 10}));
  EXPECT_EQ(adapter_from_text("L:10"), (Adapter{AdapterKind::lin, 10}));
  for (const char* text : {"houlsby:64", "lin:1", "lora:8", "lora-merged:8", "lora:0"})
    EXPECT_EQ(to_text(adapter_from_text(text)), text);
}

TEST(Adapter, AMistakeNamesTheFix) {
  EXPECT_EQ(message_of([] { adapter_from_text("houlsbi:8"); }),
            "adapter = 'houlsbi': expected houlsby, lin, lora, lora-merged; did you mean 'houlsby'?");
  EXPECT_EQ(message_of([] { adapter_from_text("lora"); }), "adapter 'lora' has no rank: say it as in lora:8");
  EXPECT_EQ(message_of([] { adapter_from_text("lora:-1"); }),
            "rank of adapter lora = '-1': expected a whole number from 0, as in 2048 or 2.7e9");
  EXPECT_EQ(message_of([] { adapted("gpt2-medium", "lora", 1025); }),
            "--adapter lora:1025: expected a rank from 0 (no adapter) to the hidden size 1024");
  EXPECT_NE(message_of([] { adapted("deepseek-v3", "lora", 8); }).find("use houlsby or lin"), std::string::npos);
  ModelEdit edit;
  edit.adapter_rank = 8;
  EXPECT_NE(message_of([&] { edited(preset("gpt2"), edit); }).find("needs kind and rank"), std::string::npos);
}

TEST(Adapter, OfRankZeroIsNone) {
  EXPECT_EQ(adapted("gpt2-medium", "houlsby", 0), preset("gpt2-medium"));
  ModelEdit edit;
  edit.adapter = "none";
  EXPECT_EQ(edited(adapted("gpt2-medium", "lora", 8), edit), preset("gpt2-medium"));
}

TEST(Adapter, ParametersOfGpt2Medium) {
  // LoRA's formulas at h 1024 and 24 layers: L_adapters (2 h r + r + h) + 2 L_norms h.
  for (const std::int64_t r : {1, 10, 100, 250}) {
    EXPECT_EQ(count_parameters(adapted("gpt2-medium", "houlsby", r)).adapter, 98'352 * r + 49'152);
    EXPECT_EQ(count_parameters(adapted("gpt2-medium", "lin", r)).adapter, 49'176 * r + 73'728);
    EXPECT_EQ(count_parameters(adapted("gpt2-medium", "lora", r)).adapter, 2 * 24 * 2 * 1024 * r);
    EXPECT_EQ(count_parameters(adapted("gpt2-medium", "lora-merged", r)).adapter, 0);
  }
  const Model model = adapted("gpt2-medium", "lin", 10);
  EXPECT_EQ(count_parameters(model).total, count_parameters(preset("gpt2-medium")).total + 565'488);
  EXPECT_EQ(layer_parameters(model, layer_kind(model, 0)),
            layer_parameters(preset("gpt2-medium"), layer_kind(model, 0)) + 565'488 / 24);
}

TEST(Adapter, LowRankFollowsGroupedValues) {
  // Llama-3.1-8B: h 4096, 32 layers, queries 4096 wide, values 1024.
  EXPECT_EQ(count_parameters(adapted("llama-3.1-8b", "lora", 8)).adapter, 32 * 8 * (4096 + 4096 + 4096 + 1024));
}

TEST(Adapter, TensorParallelSplitsLowRankOnly) {
  Workload workload;
  workload.tensor_parallel = 4;
  const auto held = [&](const std::string& kind) {
    return trained_parameters_per_gpu(adapted("gpt2-medium", kind, 10), workload);
  };
  EXPECT_EQ(held("houlsby"), 98'352 * 10 + 49'152);
  EXPECT_EQ(held("lin"), 49'176 * 10 + 73'728);
  EXPECT_EQ(held("lora"), 24 * 2 * 10 * (1024 + 256));
  workload.pipeline_parallel = 2;
  EXPECT_EQ(held("lora"), 12 * 2 * 10 * (1024 + 256));
}

TEST(Adapter, OnlyItIsTrained) {
  Workload workload;
  workload.phase = Phase::training;
  workload.sequence = 512;
  const Model model = adapted("gpt2-medium", "lora", 8);
  const MemoryBytes memory = memory_per_gpu(model, workload);
  const double adapter = 24 * 4 * 1024 * 8;
  EXPECT_DOUBLE_EQ(memory.gradients, 2 * adapter);
  EXPECT_DOUBLE_EQ(memory.optimizer, 12 * adapter);
  EXPECT_DOUBLE_EQ(memory.weights, 2 * static_cast<double>(count_parameters(model).total));
  EXPECT_DOUBLE_EQ(memory.activations - memory_per_gpu(preset("gpt2-medium"), workload).activations,
                   24.0 * 2 * 4 * 512 * 2 * 8);
  const std::string message = message_of([&] { validate(workload, adapted("gpt2-medium", "lora-merged", 8)); });
  EXPECT_NE(message.find("use lora:8"), std::string::npos) << message;
}

}  // namespace
}  // namespace gemmetry::shape
