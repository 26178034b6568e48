#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gemmetry/backends/open.h"
#include "gemmetry/measure/random_data.h"
#include "gemmetry/run/executor.h"
#include "gemmetry/shape/import.h"

namespace gemmetry::run {

/// Small models of odd sizes, two layers each, one of each family that can be executed.
inline std::vector<std::string> tiny_families() {
  return {"gpt2", "gpt_neox", "gpt_neox serial", "opt", "llama", "mistral", "qwen2", "qwen3", "olmo2", "cohere"};
}

inline shape::Model tiny(const std::string& name) {
  nlohmann::json config{
      {"model_type", name},           {"hidden_size", 60},       {"num_hidden_layers", 3}, {"num_attention_heads", 6},
      {"num_key_value_heads", 2},     {"intermediate_size", 74}, {"ffn_dim", 74},          {"vocab_size", 101},
      {"max_position_embeddings", 64}};
  if (name == "qwen3") config["head_dim"] = 14;
  if (name == "gpt_neox serial") config.update({{"model_type", "gpt_neox"}, {"use_parallel_residual", false}});
  if (name.starts_with("gpt_neox")) config["rotary_pct"] = 0.4;
  if (name == "mistral") config["sliding_window"] = 5;
  if (name == "qwen2") config.update({{"use_sliding_window", true}, {"sliding_window", 4}, {"max_window_layers", 2}});
  return shape::model_from_hf_config(config.dump(), name);
}

inline shape::Workload workload(shape::Phase phase, std::int64_t batch, std::int64_t sequence,
                                shape::AttentionKind attention = shape::AttentionKind::fused,
                                shape::Dtype dtype = shape::Dtype::fp32) {
  shape::Workload workload;
  workload.phase = phase;
  workload.batch = batch;
  workload.sequence = sequence;
  workload.attention = attention;
  workload.dtype = dtype;
  return workload;
}

inline std::vector<std::int32_t> some_tokens(std::int64_t count, std::int64_t vocab, std::uint64_t seed = 7) {
  std::vector<std::int32_t> tokens;
  for (std::int64_t i = 0; i < count; ++i)
    tokens.push_back(measure::random_index(seed, static_cast<std::uint64_t>(i), vocab));
  return tokens;
}

/// The largest distance of two lists of numbers, as a share of the largest number.
inline double distance(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double most = 0;
  double apart = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    EXPECT_TRUE(std::isfinite(a[i]) && std::isfinite(b[i]));
    most = std::max<double>(most, std::abs(a[i]));
    apart = std::max<double>(apart, std::abs(a[i] - b[i]));
  }
  return apart / most;
}

/// A tiny model on the CPU.
class Tiny : public testing::Test {
 protected:
  std::vector<float> logits(const shape::Model& model, const shape::Workload& workload, const Weights& weights) {
    Executor executor(*backend, model, workload, weights);
    executor.set_tokens(some_tokens(shape::tokens(workload), model.vocab));
    executor.run();
    return executor.logits();
  }

  std::unique_ptr<measure::Backend> backend = backends::open_device("cpu", {});
};

}  // namespace gemmetry::run
