#include "gemmetry/advise/search.h"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

#include "advise/fake_costs.h"
#include "advise/shapes.h"
#include "gemmetry/advise/ranking.h"
#include "gemmetry/base/error.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::advise {
namespace {

using test::training;

constexpr Free all_free{.heads = true, .kv_heads = true, .ffn = true, .vocab = true, .hidden = true, .layers = true};
constexpr Free only_ffn{
    .heads = false, .kv_heads = false, .ffn = true, .vocab = false, .hidden = false, .layers = false};

/// A small model, so that a search over everything takes a moment.
shape::Model small() { return test::paper_shape(1024, 16, 12, 32001); }

SearchResult run(const shape::Model& model, const shape::Workload& workload, const SearchOptions& options) {
  return search(model, workload, options, test::FakeCosts());
}

TEST(Search, KeepsItsPromisesAboutCandidates) {
  SearchOptions options;
  options.free = all_free;
  options.keep = 50;
  const shape::Model model = small();
  const SearchResult result = run(model, training(), options);
  ASSERT_EQ(result.candidates.size(), 50U);
  EXPECT_TRUE(result.complete);
  EXPECT_GT(result.seen, 10000);
  EXPECT_GT(result.enumerated, result.seen);
  EXPECT_GT(result.distinct_products, 1000);
  const auto parameters = shape::count_parameters(model).total;
  const std::set<std::int64_t> head_dims(options.head_dims.begin(), options.head_dims.end());
  double slowest = 0;
  for (const Candidate& candidate : result.candidates) {
    const shape::Model& m = candidate.model;
    shape::validate(m);
    EXPECT_EQ(candidate.parameters, shape::count_parameters(m).total);
    EXPECT_GE(candidate.parameters, parameters);
    EXPECT_LE(static_cast<double>(candidate.parameters), 1.02 * static_cast<double>(parameters));
    EXPECT_GE(m.vocab, model.vocab);
    EXPECT_LE(static_cast<double>(m.vocab), 1.02 * static_cast<double>(model.vocab));
    EXPECT_TRUE(head_dims.contains(m.attention.head_dim));
    EXPECT_EQ(m.attention.heads * m.attention.head_dim, m.hidden);
    EXPECT_EQ(m.hidden % 64, 0);
    const double ffn = static_cast<double>(m.ffn.width) / static_cast<double>(m.hidden);
    EXPECT_GE(ffn, 3);
    EXPECT_LE(ffn, 5);
    const double depth = static_cast<double>(m.layers) / static_cast<double>(m.hidden) / (12.0 / 1024);
    EXPECT_GE(depth, 0.5);
    EXPECT_LE(depth, 2);
    EXPECT_GE(candidate.time_per_token_s, slowest);
    slowest = candidate.time_per_token_s;
    EXPECT_NEAR(candidate.gain.value, result.current.time_per_token_s / candidate.time_per_token_s, 1e-9);
    EXPECT_LE(candidate.gain.low, candidate.gain.value);
    EXPECT_GE(candidate.gain.high, candidate.gain.value);
  }
  EXPECT_TRUE(anything_better(result));
}

TEST(Search, FindsWhatBruteForceFinds) {
  SearchOptions options;
  options.free = only_ffn;
  const shape::Model model = test::llama2_7b(10922);
  const SearchResult result = run(model, training(), options);
  const test::FakeCosts costs;
  const auto parameters = static_cast<double>(shape::count_parameters(model).total);
  double best = 1e9;
  std::int64_t best_width = 0;
  for (std::int64_t width = 8; width < 20000; width += 8) {
    const shape::Model other = test::llama2_7b(width);
    const auto count = static_cast<double>(shape::count_parameters(other).total);
    if (count < parameters || count > 1.02 * parameters) continue;
    double seconds = 0;
    for (const op::PricedStep& step : priced_program(other, training(), costs))
      seconds += step.count * step.cost.time_s;
    if (seconds < best) {
      best = seconds;
      best_width = width;
    }
  }
  ASSERT_FALSE(result.candidates.empty());
  EXPECT_EQ(result.candidates[0].model.ffn.width, best_width);
  EXPECT_NEAR(result.candidates[0].time_per_token_s * 8192 / best, 1, 1e-9);
  EXPECT_GT(result.candidates[0].gain.low, 1.2);
  for (const Candidate& candidate : result.candidates) {
    EXPECT_EQ(candidate.model.ffn.width % 8, 0);
    EXPECT_EQ(candidate.model.attention, model.attention);
  }
}

TEST(Search, DoesNotDependOnThreads) {
  SearchOptions options;
  options.free = all_free;
  options.pareto = true;
  std::vector<SearchResult> results;
  for (const int threads : {1, 2, 5}) {
    options.threads = threads;
    results.push_back(run(small(), training(), options));
  }
  for (const SearchResult& result : results) {
    EXPECT_EQ(result.seen, results[0].seen);
    EXPECT_EQ(result.distinct_products, results[0].distinct_products);
    ASSERT_EQ(result.candidates.size(), results[0].candidates.size());
    for (std::size_t i = 0; i < result.candidates.size(); ++i) {
      EXPECT_EQ(result.candidates[i].model, results[0].candidates[i].model);
      EXPECT_EQ(result.candidates[i].group, results[0].candidates[i].group);
    }
    ASSERT_EQ(result.pareto.size(), results[0].pareto.size());
    for (std::size_t i = 0; i < result.pareto.size(); ++i)
      EXPECT_EQ(result.pareto[i].model, results[0].pareto[i].model);
  }
}

TEST(Search, GroupsWhatCannotBeToldApart) {
  SearchOptions options;
  const test::FakeCosts costs;
  const SearchResult result = search(test::gpt3_2_7b(), training(), options, costs);
  ASSERT_FALSE(result.candidates.empty());
  EXPECT_EQ(result.candidates.front().group, 0);
  EXPECT_GT(result.candidates.back().group, 0);
  std::size_t leader = 0;
  for (std::size_t i = 1; i < result.candidates.size(); ++i) {
    const auto ratio = costs.compare(priced_program(result.candidates[leader].model, training(), costs),
                                     priced_program(result.candidates[i].model, training(), costs));
    const bool new_group = result.candidates[i].group != result.candidates[i - 1].group;
    EXPECT_EQ(new_group, ratio.low > 1);
    if (new_group) leader = i;
  }
}

TEST(Search, NothingBetterThanAWellShapedModel) {
  // With the fake's costs only the head dimension and alignment matter, and both are as good as they get.
  SearchOptions options;
  shape::Model model = test::paper_shape(2048, 8, 24, 50304);
  options.head_dims = {64, 128, 256};
  const SearchResult result = run(model, training(), options);
  EXPECT_FALSE(result.candidates.empty());
  EXPECT_FALSE(anything_better(result));
  for (const Candidate& candidate : result.candidates) EXPECT_NE(candidate.model, model) << "the given shape itself";
}

TEST(Search, SmallerModelsOnlyWhenAsked) {
  SearchOptions options;
  options.smaller = 0.02;
  const auto parameters = shape::count_parameters(small()).total;
  bool any_smaller = false;
  for (const Candidate& candidate : run(small(), training(), options).candidates) {
    any_smaller |= candidate.parameters < parameters;
    EXPECT_GE(static_cast<double>(candidate.parameters), 0.98 * static_cast<double>(parameters));
  }
  EXPECT_TRUE(any_smaller);
}

TEST(Search, AimsAtAStatedCount) {
  SearchOptions options;
  options.free = all_free;
  options.parameters = 200'000'000;
  for (const Candidate& candidate : run(small(), training(), options).candidates) {
    EXPECT_GE(candidate.parameters, 200'000'000);
    EXPECT_LE(candidate.parameters, 204'000'000);
  }
}

TEST(Search, GroupedKvHeadsKeepTheirRatio) {
  SearchOptions options;
  for (const Candidate& candidate : run(test::llama3_8b(), training(), options).candidates)
    EXPECT_EQ(candidate.model.attention.heads, 4 * candidate.model.attention.kv_heads);
}

TEST(Search, ExpertsAreWidenedTogether) {
  SearchOptions options;
  options.free = only_ffn;
  const SearchResult result = run(test::mixture(), training(), options);
  ASSERT_FALSE(result.candidates.empty());
  for (const Candidate& candidate : result.candidates) {
    EXPECT_EQ(candidate.model.experts->shared_width, 2 * candidate.model.experts->width);
    EXPECT_EQ(candidate.model.ffn.width, 0);
  }
}

TEST(Search, CandidatesSplitOverTheRanks) {
  SearchOptions options;
  options.free = all_free;
  shape::Model model = test::paper_shape(1536, 24, 12, 50304);
  const SearchResult result = run(model, training(6), options);
  ASSERT_FALSE(result.candidates.empty());
  for (const Candidate& candidate : result.candidates) {
    EXPECT_EQ(candidate.model.attention.heads % 6, 0);
    EXPECT_EQ(candidate.model.ffn.width % 6, 0);
  }
}

TEST(Search, DecodeAndPrefillAreSearchedToo) {
  for (const shape::Phase phase : {shape::Phase::prefill, shape::Phase::decode, shape::Phase::forward}) {
    shape::Workload workload = training();
    workload.phase = phase;
    workload.cache = 500;
    const SearchResult result = run(test::llama3_8b(), workload, SearchOptions());
    ASSERT_FALSE(result.candidates.empty());
    EXPECT_GT(result.candidates[0].time_per_token_s, 0);
  }
}

TEST(Search, ParetoFrontTradesTimeForCache) {
  SearchOptions options;
  options.free.kv_heads = true;
  options.pareto = true;
  options.decode_batch = 8;
  options.decode_cache = 4096;
  const SearchResult result = run(small(), training(), options);
  ASSERT_GE(result.pareto.size(), 1U);
  EXPECT_LE(result.pareto.size(), options.keep);
  ASSERT_TRUE(result.current.decode_time_s);
  // 2 (keys and values) x 1024 x 12 layers x 2 bytes.
  EXPECT_DOUBLE_EQ(*result.current.kv_bytes_per_token, 49152);
  for (std::size_t i = 0; i < result.pareto.size(); ++i)
    for (std::size_t j = 0; j < result.pareto.size(); ++j) {
      const Candidate &a = result.pareto[i], &b = result.pareto[j];
      // Boxes are 1 % wide.
      EXPECT_FALSE(a.time_per_token_s < 0.98 * b.time_per_token_s && *a.decode_time_s < 0.98 * *b.decode_time_s &&
                   *a.kv_bytes_per_token < *b.kv_bytes_per_token);
    }
}

TEST(Search, StopsWhenProgressSaysSo) {
  SearchOptions options;
  options.free = all_free;
  options.progress = [](std::int64_t seen, std::int64_t all) {
    EXPECT_EQ(seen, 0);
    EXPECT_GT(all, 0);
    return false;
  };
  const SearchResult result = run(small(), training(), options);
  EXPECT_FALSE(result.complete);
  EXPECT_EQ(result.seen, 0);
}

TEST(Search, StopsOnTheWayWithTheBestSoFar) {
  SearchOptions options;
  options.free = all_free;
  options.tolerance = 2;
  options.threads = 1;
  std::int64_t all = 0;
  options.progress = [&](std::int64_t seen, std::int64_t of) {
    all = of;
    return seen == 0;
  };
  const SearchResult result = run(test::llama3_8b(), training(), options);
  EXPECT_FALSE(result.complete);
  EXPECT_GT(result.seen, 0);
  EXPECT_LT(result.seen, all);
  EXPECT_FALSE(result.candidates.empty());
}

TEST(Search, SeesAllThatItAnnounced) {
  SearchOptions options;
  options.free = all_free;
  std::int64_t all = 0;
  options.progress = [&](std::int64_t, std::int64_t of) {
    all = of;
    return true;
  };
  EXPECT_EQ(run(small(), training(), options).seen, all);
}

TEST(Search, PassesOnWhatACostModelThrows) {
  class Failing final : public op::CostModel {
   public:
    op::Cost cost(const op::Operator& op) const override {
      const auto* gemm = std::get_if<op::Gemm>(&op);
      if (gemm && gemm->n % 64 != 0) throw Error("this product cannot be priced");
      return fake_.cost(op);
    }
    std::string reason(const op::Operator&) const override { return ""; }
    std::string source() const override { return ""; }

   private:
    test::FakeCosts fake_;
  };
  shape::Model model = small();
  model.vocab = 32000;
  SearchOptions options;
  options.free = only_ffn;
  EXPECT_THROW(search(model, training(), options, Failing()), Error);
}

TEST(Search, RefusesWhatCannotBeSearched) {
  SearchOptions options;
  options.free = {.heads = false, .kv_heads = false, .ffn = false, .vocab = false, .hidden = false, .layers = false};
  EXPECT_THROW(run(small(), training(), options), Error);
  EXPECT_THROW(run(small(), training(7), SearchOptions()), Error);
  shape::Model broken = small();
  broken.layers = 0;
  EXPECT_THROW(run(broken, training(), SearchOptions()), Error);
}

}  // namespace
}  // namespace gemmetry::advise
