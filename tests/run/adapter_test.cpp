#include "gemmetry/shape/adapter.h"

#include <gtest/gtest.h>

#include "gemmetry/run/executor.h"
#include "gemmetry/run/weight_array.h"
#include "run/tiny.h"

namespace gemmetry::run {
namespace {

using shape::AdapterKind;
using shape::Dtype;
using shape::Phase;
using AdapterTest = Tiny;

constexpr double fp32_bound = 1e-4;
constexpr AdapterKind kinds[] = {AdapterKind::houlsby, AdapterKind::lin, AdapterKind::lora};

shape::Model adapted(const std::string& family, AdapterKind kind) {
  shape::Model model = tiny(family);
  model.adapter = shape::Adapter{kind, 5};
  return model;
}

/// A matrix of the weights, as it lies on the device.
std::vector<double> matrix(measure::Backend& backend, const Weights& weights, const std::string& name,
                           std::int64_t rows, std::int64_t columns) {
  std::vector<double> values(static_cast<std::size_t>(rows * columns));
  EXPECT_TRUE(backend.read(weights.at(name), measure::Element::fp32, nullptr, rows * columns, values.data()).ok());
  return values;
}

/// w[rows, columns] += up[rows, rank] down[rank, columns], from row `first` of w on.
void merge(measure::Backend& backend, const Weights& weights, const std::string& layer, const std::string& place,
           std::int64_t first, std::int64_t rows, std::int64_t columns, std::int64_t rank) {
  const std::vector<double> down = matrix(backend, weights, layer + "adapter_" + place + "_down.weight", rank, columns);
  const std::vector<double> up = matrix(backend, weights, layer + "adapter_" + place + "_up.weight", rows, rank);
  void* const at = weights.at(layer + "qkv.weight", first * columns);
  std::vector<double> sum(static_cast<std::size_t>(rows * columns));
  ASSERT_TRUE(backend.read(at, measure::Element::fp32, nullptr, rows * columns, sum.data()).ok());
  std::vector<float> merged(sum.begin(), sum.end());
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j)
      for (std::int64_t r = 0; r < rank; ++r)
        merged[static_cast<std::size_t>(i * columns + j)] += static_cast<float>(
            up[static_cast<std::size_t>(i * rank + r)] * down[static_cast<std::size_t>(r * columns + j)]);
  ASSERT_TRUE(backend.write(at, merged.data(), rows * columns * 4).ok());
}

TEST_F(AdapterTest, LoraIsWhatItIsMerged) {
  for (const char* family : {"gpt2", "llama", "qwen3"}) {
    const shape::Model model = adapted(family, AdapterKind::lora);
    const Weights weights = Weights::random(*backend, model, Dtype::fp32, 1);
    const std::vector<float> apart = logits(model, workload(Phase::forward, 2, 9), weights);
    const shape::AttentionShape& a = model.attention;
    const std::int64_t queries = a.heads * a.head_dim;
    const std::int64_t values = a.kv_heads * a.value_dim;
    for (std::int64_t layer = 0; layer < model.layers; ++layer) {
      const std::string name = layer_array(layer, "");
      merge(*backend, weights, name, "query", 0, queries, model.hidden, 5);
      merge(*backend, weights, name, "value", queries + a.kv_heads * a.head_dim, values, model.hidden, 5);
    }
    shape::Model merged = model;
    merged.adapter->kind = AdapterKind::lora_merged;
    EXPECT_LT(distance(apart, logits(merged, workload(Phase::forward, 2, 9), weights)), fp32_bound) << family;
  }
}

TEST_F(AdapterTest, RunTheSameHoweverProjectionsAndAttentionRun) {
  for (const std::string& family : tiny_families())
    for (const AdapterKind kind : kinds) {
      const shape::Model model = adapted(family, kind);
      const Weights weights = Weights::random(*backend, model, Dtype::fp32, 1);
      shape::Workload as = workload(Phase::forward, 2, 9);
      const std::vector<float> usual = logits(model, as, weights);
      as.projections = shape::Projections::hf;
      EXPECT_LT(distance(usual, logits(model, as, weights)), fp32_bound) << family << " " << shape::name(kind);
      as.attention = shape::AttentionKind::unfused;
      EXPECT_LT(distance(usual, logits(model, as, weights)), fp32_bound) << family << " " << shape::name(kind);
      shape::Model without = model;
      without.adapter.reset();
      EXPECT_GT(distance(usual, logits(without, workload(Phase::forward, 2, 9), weights)), 0.01) << family;
    }
}

TEST_F(AdapterTest, FoldedResidualsGiveTheSame) {
  for (const std::string& family : tiny_families())
    for (const AdapterKind kind : kinds) {
      const shape::Model model = adapted(family, kind);
      const Weights weights = Weights::random(*backend, model, Dtype::fp32, 1);
      const auto run = [&](bool folded) {
        Executor executor(*backend, model, workload(Phase::forward, 2, 9), weights, {.fused_steps = folded});
        executor.set_tokens(some_tokens(18, model.vocab));
        executor.run();
        return executor.logits();
      };
      EXPECT_LT(distance(run(false), run(true)), fp32_bound) << family << " " << shape::name(kind);
    }
}

}  // namespace
}  // namespace gemmetry::run
