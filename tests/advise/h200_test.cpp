// Rules and search with the predictor of the H200.
#include <gtest/gtest.h>

#include "advise/shapes.h"
#include "gemmetry/advise/rules.h"
#include "gemmetry/advise/search.h"
#include "gemmetry/predict/predictor.h"

namespace gemmetry::advise {
namespace {

class H200 : public testing::Test {
 protected:
  predict::Predictor costs = predict::Predictor::for_gpu("h200", {});

  Finding judge(const shape::Model& model, std::string_view rule, const shape::Workload& workload = test::training()) {
    for (const Finding& finding : check(model, workload, costs, costs.gpu(), {}))
      if (finding.rule == rule) return finding;
    ADD_FAILURE() << "no finding of " << rule;
    return {};
  }
};

TEST_F(H200, OddVocabularyIsCostly) {
  const Finding finding = judge(test::gpt3_2_7b(), "vocabulary");
  EXPECT_EQ(finding.verdict, Verdict::costly);
  EXPECT_EQ(finding.gpu_threshold, "multiple of 8 on h200");
  ASSERT_TRUE(finding.cost);
  EXPECT_GT(finding.cost->low, 0.01);
  shape::Model padded = test::gpt3_2_7b();
  padded.vocab = 50304;
  EXPECT_EQ(judge(padded, "vocabulary").verdict, Verdict::ok);
}

// Measured: the layer takes 1.68 times as long.
TEST_F(H200, SwigluAsWrittenIsCostlyAndLlamasWidthIsNot) {
  EXPECT_EQ(judge(test::llama2_7b(10922), "ffn_width").verdict, Verdict::costly);
  const Finding finding = judge(test::llama2_7b(10922), "swiglu");
  EXPECT_EQ(finding.verdict, Verdict::costly);
  EXPECT_GT(finding.cost->value, 0.2);
  EXPECT_EQ(judge(test::llama2_7b(11008), "swiglu").verdict, Verdict::ok);
}

// The paper's headline holds for fused attention too: cuDNN takes as long for a head dimension of 80 as for one of 128.
TEST_F(H200, HeadDimensionOf80) {
  const Finding fused = judge(test::gpt3_2_7b(), "head_dim");
  EXPECT_EQ(fused.verdict, Verdict::costly);
  EXPECT_NEAR(fused.cost->value, 0.03, 0.015);
  shape::Workload unfused = test::training();
  unfused.attention = shape::AttentionKind::unfused;
  EXPECT_EQ(judge(test::gpt3_2_7b(), "head_dim", unfused).verdict, Verdict::costly);
}

TEST_F(H200, SearchMendsWhatTheRulesFind) {
  const SearchResult vocabulary = search(test::gpt3_2_7b(), test::training(), {}, costs);
  ASSERT_TRUE(anything_better(vocabulary));
  EXPECT_EQ(vocabulary.candidates[0].model.vocab % 8, 0);
  SearchOptions only_ffn;
  only_ffn.free = {.heads = false, .kv_heads = false, .ffn = true, .vocab = false, .hidden = false, .layers = false};
  const SearchResult width = search(test::llama2_7b(10922), test::training(), only_ffn, costs);
  ASSERT_FALSE(width.candidates.empty());
  EXPECT_EQ(width.candidates[0].model.ffn.width % 8, 0);
  EXPECT_GT(width.candidates[0].gain.low, 1.2);
}

TEST_F(H200, NothingBetterThanLlama2) {
  EXPECT_FALSE(anything_better(search(test::llama2_7b(11008), test::training(), {}, costs)));
}

}  // namespace
}  // namespace gemmetry::advise
