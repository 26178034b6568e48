#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "backends/cuda_fixture.h"
#include "gemmetry/run/serve/server.h"
#include "gemmetry/run/serve/slot_decoder.h"
#include "gemmetry/shape/import.h"

// Verified decoding on a GPU: pinned products and attention never flip a token, and what is committed is the same in
// whichever order requests come.

namespace gemmetry::run {
namespace {

using backends::Cuda;

shape::Model model_of(std::int64_t kv_heads) {
  const nlohmann::json config{{"model_type", "llama"},           {"hidden_size", 512},
                              {"num_hidden_layers", 6},          {"num_attention_heads", 8},
                              {"intermediate_size", 1536},       {"vocab_size", 2048},
                              {"num_key_value_heads", kv_heads}, {"max_position_embeddings", 1024}};
  return shape::model_from_hf_config(config.dump(), "small");
}

Trace some_trace(double rate) {
  TraceOptions options;
  options.requests = 24;
  options.rate_per_s = rate;
  options.prompt = {LengthKind::uniform, 60};
  options.new_tokens = {LengthKind::uniform, 80};
  options.vocab = 2048;
  return random_trace(options);
}

Served serve_on(measure::Backend& backend, const shape::Model& model, const Weights& weights,
                SlotDecoderOptions decoder, const Trace& trace, std::optional<PassShape> shape) {
  decoder.slots = 7;
  decoder.capacity = 300;
  if (shape) decoder.windows = {*shape};
  SlotDecoder engine(backend, model, weights, decoder);
  ServeOptions options;
  options.verify = shape;
  options.temperature = 0.3f;
  measure::HostClock clock;
  return serve(engine, trace, options, clock);
}

std::vector<std::vector<std::int32_t>> answers(const Served& served) {
  std::vector<std::vector<std::int32_t>> all;
  for (const Answer& answer : served.answers) all.push_back(answer.tokens);
  return all;
}

TEST_F(Cuda, PinnedDecodingIsNeverRolledBack) {
  for (const std::int64_t kv_heads : {2, 8}) {
    const shape::Model model = model_of(kv_heads);
    const Weights weights = Weights::random(*backend_, model, shape::Dtype::bf16, 3);
    for (const PassShape shape : {PassShape{1, 16}, {4, 32}}) {
      const Served served =
          serve_on(*backend_, model, weights, {.pinned_products = true, .decode_splits = 1}, some_trace(1000), shape);
      EXPECT_EQ(served.metrics.windows.rollbacks, 0) << kv_heads << " KV heads, window " << shape.window;
      EXPECT_GT(served.metrics.windows.kept, 1000);
    }
  }
}

TEST_F(Cuda, VerifiedAnswersAreTheSameInWhicheverOrder) {
  const shape::Model model = model_of(4);
  const Weights weights = Weights::random(*backend_, model, shape::Dtype::bf16, 3);
  const Trace trace = some_trace(1000);
  const auto expected = answers(serve_on(*backend_, model, weights, {}, trace, PassShape{2, 16}));
  for (const double rate : {1000.0, 40.0})
    for (const std::uint64_t seed : {1, 2, 3})
      EXPECT_EQ(answers(serve_on(*backend_, model, weights, {}, reordered(trace, rate, seed), PassShape{2, 16})),
                expected)
          << "rate " << rate << " order " << seed;
}

}  // namespace
}  // namespace gemmetry::run
