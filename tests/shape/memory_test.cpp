#include "gemmetry/shape/memory.h"

#include <gtest/gtest.h>

#include "gemmetry/shape/import.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::shape {
namespace {

/// Korthikanti et al.'s setting: fp16, attention written out, dropout.
Workload megatron(std::int64_t t = 1, bool sequence_parallel = false, Recompute recompute = Recompute::none) {
  return {.phase = Phase::training,
          .batch = 1,
          .sequence = 2048,
          .dtype = Dtype::fp16,
          .tensor_parallel = t,
          .sequence_parallel = sequence_parallel,
          .recompute = recompute,
          .attention = AttentionKind::unfused,
          .dropout = true};
}

constexpr double sbh = 2048.0 * 12288;  // GPT-3 175B, where 5 a s / h = 80

double layer(const Workload& workload) { return activation_bytes(preset("gpt3-175b"), workload, {}); }

TEST(Activations, AreKorthikantisForTheGptLayer) {
  EXPECT_DOUBLE_EQ(layer(megatron()), sbh * (34 + 80));
  EXPECT_DOUBLE_EQ(layer(megatron(8)), sbh * (10 + 24.0 / 8 + 80.0 / 8));
  EXPECT_DOUBLE_EQ(layer(megatron(8, true)), sbh * (34 + 80) / 8);
  EXPECT_DOUBLE_EQ(layer(megatron(1, false, Recompute::selective)), sbh * 34);
  EXPECT_DOUBLE_EQ(layer(megatron(8, false, Recompute::selective)), sbh * (10 + 24.0 / 8));
  EXPECT_DOUBLE_EQ(layer(megatron(8, true, Recompute::selective)), sbh * 34 / 8);
  EXPECT_DOUBLE_EQ(layer(megatron(1, false, Recompute::full)), sbh * 2);
}

TEST(Activations, WithoutDropoutKeepNoMasks) {
  Workload workload = megatron();
  workload.dropout = false;
  EXPECT_DOUBLE_EQ(layer(workload), sbh * (32 + 80.0 * 2 / 5));  // of 5 bytes a score the softmax keeps 2
}

TEST(Activations, OfEagerAttentionKeepTheSoftmaxInFp32) {
  Workload workload = megatron();
  workload.attention = AttentionKind::eager;
  EXPECT_DOUBLE_EQ(layer(workload), sbh * (34 + 80.0 * 7 / 5));  // 4 softmax, 1 mask, 2 dropped
  workload.dropout = false;
  EXPECT_DOUBLE_EQ(layer(workload), sbh * (32 + 80.0 * 6 / 5));  // 4 softmax, 2 cast
}

TEST(Activations, OfFusedAttentionKeepOneNumberARowAndHead) {
  Workload workload = megatron();
  workload.attention = AttentionKind::fused;
  EXPECT_DOUBLE_EQ(layer(workload), sbh * 34 + 4.0 * 96 * 2048);
}

TEST(Activations, CountGatedFfnsAndGroupedHeads) {
  // Llama 2 7B: norms 2h, inputs 2h, q, k, v 3h, output projection h, FFN 3 d_ff; fused statistics.
  const Workload workload{.phase = Phase::training, .batch = 2, .sequence = 4096};
  const double rows = 2 * 4096;
  EXPECT_DOUBLE_EQ(activation_bytes(preset("llama-2-7b"), workload, {}),
                   rows * (2.0 * (8 * 4096 + 3 * 11008) + 4 * 32));
  // Llama 3.1 8B keeps 8 of 32 KV heads; attention that is not fused repeats them.
  const Model grouped = preset("llama-3.1-8b");
  EXPECT_DOUBLE_EQ(activation_bytes(grouped, workload, {}), rows * (2.0 * (6 * 4096 + 2 * 1024 + 3 * 14336) + 4 * 32));
  Workload unfused = workload;
  unfused.attention = AttentionKind::unfused;
  EXPECT_DOUBLE_EQ(activation_bytes(grouped, unfused, {}), rows * (2.0 * (8 * 4096 + 3 * 14336) + 2.0 * 32 * 4096));
}

TEST(Activations, CountExperts) {
  // Mixtral: the attention of Llama 3.1 8B, 8 router probabilities, 2 experts of 14336 with rows sent there and back.
  const Workload workload{.phase = Phase::training, .batch = 1, .sequence = 1024};
  const double elements = 6 * 4096 + 2 * 1024 + 2 * (2 * 4096 + 3 * 14336);
  EXPECT_DOUBLE_EQ(activation_bytes(preset("mixtral-8x7b"), workload, {.sparse = true}),
                   1024 * (2 * elements + 4 * 8 + 4 * 32));
}

TEST(Memory, AddsTheEndsOfTheModel) {
  const Model model = preset("gpt3-175b");
  const MemoryBytes memory = memory_per_gpu(model, megatron());
  const double head = 2 * sbh + 2 * sbh + 4.0 * 2048 * 50257;  // final norm, head, logits in fp32
  EXPECT_DOUBLE_EQ(memory.activations, 96 * layer(megatron()) + sbh + head);
  EXPECT_EQ(memory.recomputed, 0);
  EXPECT_EQ(memory.kv_cache, 0);
}

TEST(Memory, KeepsAMicrobatchForEachStageOnTheFirst) {
  Workload workload = megatron(8);
  workload.pipeline_parallel = 4;
  const MemoryBytes memory = memory_per_gpu(preset("gpt3-175b"), workload);
  EXPECT_DOUBLE_EQ(memory.activations, 4 * (24 * layer(megatron(8)) + sbh));
}

TEST(Memory, HoldsOneMicrobatchAtATimeWithoutStages) {
  Workload workload{.phase = Phase::training};
  const double one = memory_per_gpu(preset("llama-2-7b"), workload).activations;
  workload.microbatches = 8;
  EXPECT_DOUBLE_EQ(memory_per_gpu(preset("llama-2-7b"), workload).activations, one);
}

TEST(Memory, HoldsWhatIsRecomputed) {
  const Model model = preset("gpt3-175b");
  EXPECT_DOUBLE_EQ(memory_per_gpu(model, megatron(1, false, Recompute::full)).recomputed, layer(megatron()));
  EXPECT_DOUBLE_EQ(memory_per_gpu(model, megatron(1, false, Recompute::selective)).recomputed, sbh * 80);
}

TEST(Memory, HoldsSixteenBytesAParameterInMixedPrecision) {
  const Model model = preset("gpt3-125m");
  const auto p = static_cast<double>(count_parameters(model).total);
  Workload workload{.phase = Phase::training, .batch = 1, .sequence = 128, .data_parallel = 8};
  MemoryBytes memory = memory_per_gpu(model, workload);
  EXPECT_DOUBLE_EQ(memory.weights + memory.gradients + memory.optimizer, 16 * p);
  workload.sharding = Sharding::optimizer;
  memory = memory_per_gpu(model, workload);
  EXPECT_DOUBLE_EQ(memory.weights + memory.gradients + memory.optimizer, 4 * p + 12 * p / 8);
  workload.sharding = Sharding::gradients;
  memory = memory_per_gpu(model, workload);
  EXPECT_DOUBLE_EQ(memory.weights + memory.gradients + memory.optimizer, 2 * p + 14 * p / 8);
  workload.sharding = Sharding::parameters;
  memory = memory_per_gpu(model, workload);
  EXPECT_DOUBLE_EQ(memory.weights + memory.gradients + memory.optimizer, 16 * p / 8);
  workload.dtype = Dtype::fp32;
  EXPECT_DOUBLE_EQ(memory_per_gpu(model, workload).optimizer, 8 * p / 8) << "the weights are the master weights";
}

TEST(Memory, OfInferenceIsWeightsAndCache) {
  const Model model = preset("llama-2-7b");
  const Workload decode{.phase = Phase::decode, .batch = 16, .cache = 4095};
  const MemoryBytes memory = memory_per_gpu(model, decode);
  EXPECT_DOUBLE_EQ(memory.weights, 2.0 * 6738415616);
  EXPECT_DOUBLE_EQ(memory.kv_cache, 16 * 4096.0 * (32 * 2 * 4096 * 2));
  EXPECT_EQ(memory.gradients + memory.optimizer + memory.recomputed, 0);
  EXPECT_GT(memory.activations, 0);
  EXPECT_LT(memory.activations, 1e8);
  EXPECT_EQ(memory_per_gpu(model, {.phase = Phase::forward}).kv_cache, 0);
  const MemoryBytes window =
      memory_per_gpu(model, {.phase = Phase::decode, .batch = 16, .cache = 4080, .new_tokens = 16});
  EXPECT_DOUBLE_EQ(window.kv_cache, memory.kv_cache);
  EXPECT_DOUBLE_EQ(window.activations, 16 * memory.activations) << "of so many rows";
  EXPECT_DOUBLE_EQ(memory.total(), memory.weights + memory.activations + memory.kv_cache);
}

TEST(KvCache, HoldsTheKvHeads) {
  const Model model = preset("llama-2-70b");
  EXPECT_DOUBLE_EQ(kv_bytes(model, {.dtype = Dtype::fp16}, 1), 320 * 1024);
  EXPECT_DOUBLE_EQ(kv_bytes(model, {.dtype = Dtype::fp16, .tensor_parallel = 8}, 1), 40 * 1024);
  EXPECT_DOUBLE_EQ(kv_bytes(model, {.dtype = Dtype::fp16, .tensor_parallel = 16}, 1), 40 * 1024)
      << "heads are replicated";
  EXPECT_DOUBLE_EQ(kv_bytes(model, {.dtype = Dtype::fp16, .pipeline_parallel = 4}, 1), 80 * 1024);
  EXPECT_DOUBLE_EQ(kv_bytes(model, {.dtype = Dtype::fp8}, 10), 1600 * 1024);
}

TEST(KvCache, StopsAtTheWindow) {
  const Model all = preset("mistral-7b");
  EXPECT_DOUBLE_EQ(kv_bytes(all, {}, 4096), kv_bytes(all, {}, 1'000'000));
  const Model some = preset("gemma-3-1b");  // every sixth of 26 layers is full; one KV head of 256
  EXPECT_DOUBLE_EQ(kv_bytes(some, {}, 10'000), 1024.0 * (4 * 10'000 + 22 * 512));
}

TEST(KvCache, OfLatentAttentionIsWholeOnEachRank) {
  const Model model = preset("deepseek-v3");
  EXPECT_DOUBLE_EQ(kv_bytes(model, {}, 1), 61 * (512 + 64) * 2);
  EXPECT_DOUBLE_EQ(kv_bytes(model, {.tensor_parallel = 8}, 1), 61 * (512 + 64) * 2);
}

TEST(Memory, GrowsWithBatchAndShrinksWithRanks) {
  for (const char* name :
       {"gpt3-2.7b", "llama-3.1-8b", "gemma-3-1b", "mixtral-8x7b", "deepseek-v2-lite", "bert-base"}) {
    const Model model = preset(name);
    Workload workload{.phase = Phase::training, .batch = 2, .sequence = 512};
    const double base = memory_per_gpu(model, workload).total();
    workload.batch = 4;
    EXPECT_GT(memory_per_gpu(model, workload).total(), base) << name;
    workload.batch = 2;
    workload.tensor_parallel = 2;
    EXPECT_LT(memory_per_gpu(model, workload).total(), base) << name;
    const double split = memory_per_gpu(model, workload).activations;
    workload.sequence_parallel = true;
    EXPECT_LT(memory_per_gpu(model, workload).activations, split) << name;
  }
}

}  // namespace
}  // namespace gemmetry::shape
