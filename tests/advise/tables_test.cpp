// The search's sums against the lowering and the counts that they stand for.
#include <gtest/gtest.h>

#include <random>

#include "advise/fake_costs.h"
#include "advise/shapes.h"
#include "gemmetry/advise/parameter_table.h"
#include "gemmetry/advise/part_times.h"
#include "gemmetry/advise/ranking.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::advise {
namespace {

struct Situation {
  std::string name;
  shape::Model model;
  shape::Workload workload;
};

std::vector<Situation> situations() {
  shape::Workload decode = test::training(2);
  decode.phase = shape::Phase::decode;
  decode.cache = 1000;
  shape::Workload spread = test::training(4);
  spread.pipeline_parallel = 2;
  spread.data_parallel = 8;
  spread.sequence_parallel = true;
  spread.microbatches = 3;
  spread.sharding = shape::Sharding::optimizer;
  spread.recompute = shape::Recompute::selective;
  shape::Workload eager = test::training();
  eager.attention = shape::AttentionKind::eager;
  eager.projections = shape::Projections::hf;
  shape::Model first_dense = test::mixture();
  first_dense.ffn.width = 8192;
  first_dense.layer_kinds[0].sparse = first_dense.layer_kinds[1].sparse = false;
  return {{"paper training", test::gpt3_2_7b(), test::training()},
          {"paper eager", test::gpt3_2_7b(), eager},
          {"llama 3 spread", test::llama3_8b(), spread},
          {"llama 3 decode", test::llama3_8b(), decode},
          {"mixture training", test::mixture(), test::training(2)},
          {"first layers dense", first_dense, spread}};
}

std::size_t pick(std::mt19937& random, std::size_t size) {
  return std::uniform_int_distribution<std::size_t>(0, size - 1)(random);
}

class Tables : public testing::TestWithParam<Situation> {};

TEST_P(Tables, EqualTheLoweringAndTheCounts) {
  const auto& [name, model, workload] = GetParam();
  const test::FakeCosts costs;
  SearchOptions options;
  options.free = {.heads = true, .kv_heads = true, .ffn = true, .vocab = true, .hidden = true, .layers = true};
  const Space space(model, workload, options);
  std::mt19937 random(42);
  PartTimes times(model, workload, costs);
  int compared = 0;
  for (int hidden = 0; hidden < 16; ++hidden) {
    const Choices choices = space.at(space.hidden()[pick(random, space.hidden().size())]);
    if (choices.shapes() == 0) continue;
    ParameterTable parameters(model, choices);
    times.start(choices);
    for (int shapes = 0; shapes < 8; ++shapes) {
      const std::int64_t layers = choices.layers[pick(random, choices.layers.size())];
      const std::size_t i = pick(random, choices.attention.size()), j = pick(random, choices.ffn.size()),
                        v = pick(random, choices.vocab.size());
      const shape::Model candidate =
          with_sizes(model, choices.sizes(layers, choices.attention[i], choices.ffn[j], choices.vocab[v]));
      shape::validate(candidate);
      parameters.set_layers(layers);
      EXPECT_EQ(parameters.total(i, j, v), shape::count_parameters(candidate).total);

      times.set_layers(layers);
      const double summed = times.attention(i) + times.ffn(j) + times.ends(v) + times.update(candidate);
      double lowered = 0;
      for (const op::PricedStep& step : priced_program(candidate, workload, costs))
        lowered += step.count * step.cost.time_s;
      EXPECT_NEAR(summed / lowered, 1, 1e-9);
      ++compared;
    }
  }
  EXPECT_GE(compared, 32);
}

TEST_P(Tables, HoldOnlyPossibleShapes) {
  const auto& [name, model, workload] = GetParam();
  SearchOptions options;
  options.free = {.heads = true, .kv_heads = true, .ffn = true, .vocab = true, .hidden = true, .layers = true};
  const Space space(model, workload, options);
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    const Choices choices = space.at(space.hidden()[pick(random, space.hidden().size())]);
    if (choices.shapes() == 0) continue;
    const Sizes sizes = choices.sizes(choices.layers[pick(random, choices.layers.size())],
                                      choices.attention[pick(random, choices.attention.size())],
                                      choices.ffn[pick(random, choices.ffn.size())], choices.vocab.back());
    EXPECT_TRUE(shape::impossible_splits(workload, with_sizes(model, sizes)).empty());
  }
}

TEST_P(Tables, RangeOfWidthsIsWithinTheBounds) {
  const auto& [name, model, workload] = GetParam();
  const Space space(model, workload, SearchOptions());
  const Choices choices = space.at(model.hidden);
  ParameterTable parameters(model, choices);
  parameters.set_layers(model.layers);
  const std::int64_t low = space.least_parameters(), high = space.most_parameters();
  for (std::size_t i = 0; i < choices.attention.size(); ++i)
    for (std::size_t v = 0; v < choices.vocab.size(); ++v) {
      const auto [first, last] = parameters.ffn_range(i, v, low, high);
      for (std::size_t j = 0; j < choices.ffn.size(); ++j) {
        const std::int64_t total = parameters.total(i, j, v);
        EXPECT_EQ(first <= j && j < last, low <= total && total <= high);
      }
    }
}

INSTANTIATE_TEST_SUITE_P(All, Tables, testing::ValuesIn(situations()), [](const auto& situation) {
  std::string name = situation.param.name;
  std::ranges::replace(name, ' ', '_');
  return name;
});

TEST(Sizes, RoundTripAndChange) {
  const shape::Model model = test::gpt3_2_7b();
  Sizes sizes = sizes_of(model);
  EXPECT_EQ(with_sizes(model, sizes), model);
  EXPECT_EQ(change(sizes, sizes), "none");
  const Sizes from = sizes;
  sizes.heads = sizes.kv_heads = 20;
  sizes.head_dim = 128;
  sizes.vocab = 50304;
  EXPECT_EQ(change(from, sizes), "heads 32 -> 20, KV heads 32 -> 20, vocab 50257 -> 50304");
  const shape::Model changed = with_sizes(model, sizes);
  EXPECT_EQ(changed.attention.value_dim, 128);
  EXPECT_EQ(changed.attention.rotary_dim, 128);
}

TEST(Sizes, PartialRotaryKeepsItsShare) {
  shape::Model model = test::gpt3_2_7b();
  model.attention.rotary_dim = 20;  // a quarter, as Pythia has it
  Sizes sizes = sizes_of(model);
  sizes.heads = sizes.kv_heads = 20;
  sizes.head_dim = 128;
  EXPECT_EQ(with_sizes(model, sizes).attention.rotary_dim, 32);
}

TEST(Sizes, LayersThatDifferGoOnInTheirPattern) {
  const shape::Model model = test::mixture();
  Sizes sizes = sizes_of(model);
  shape::Model scratch = model;
  for (const std::int64_t layers : {3, 20, 7, 12}) {
    sizes.layers = layers;
    apply(sizes, model, scratch);
    ASSERT_EQ(std::ssize(scratch.layer_kinds), layers);
    for (std::size_t i = 0; i < scratch.layer_kinds.size(); ++i) EXPECT_EQ(scratch.layer_kinds[i].windowed, i % 2 == 0);
  }
  EXPECT_EQ(scratch, model);
}

}  // namespace
}  // namespace gemmetry::advise
