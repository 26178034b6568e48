#include "gemmetry/advise/rules.h"

#include <gtest/gtest.h>

#include "advise/fake_costs.h"
#include "advise/shapes.h"
#include "gemmetry/advise/rule_list.h"
#include "gemmetry/base/error.h"

namespace gemmetry::advise {
namespace {

using test::contains;
using test::training;

std::vector<Finding> check_at(const shape::Model& model, const shape::Workload& workload,
                              const std::vector<std::int64_t>& degrees = {}) {
  return check(model, workload, test::FakeCosts(), test::fake_gpu(), {degrees});
}

Finding find(const std::vector<Finding>& findings, std::string_view rule, std::int64_t degree = 1) {
  for (const Finding& finding : findings)
    if (finding.rule == rule && finding.tensor_parallel == degree) return finding;
  ADD_FAILURE() << "no finding of " << rule << " at t = " << degree;
  return {};
}

TEST(Rules, OddVocabularyIsCostlyAndNamesBothFixes) {
  const Finding finding = find(check_at(test::gpt3_2_7b(), training()), "vocabulary");
  EXPECT_EQ(finding.section, "VI-B");
  EXPECT_EQ(finding.verdict, Verdict::costly);
  EXPECT_EQ(finding.value, "50257");
  EXPECT_EQ(finding.paper_threshold, "multiple of 64");
  EXPECT_EQ(finding.gpu_threshold, "multiple of 8 on fake");
  EXPECT_PRED2(contains, finding.message, "50264 (multiple of 8) or 50304 (of 64)");
  ASSERT_TRUE(finding.cost);
  EXPECT_GT(finding.cost->low, 0.01);
  EXPECT_LE(finding.cost->low, finding.cost->value);
  EXPECT_LE(finding.cost->value, finding.cost->high);
}

TEST(Rules, PaddedVocabularyIsOk) {
  shape::Model model = test::gpt3_2_7b();
  model.vocab = 50304;
  const Finding finding = find(check_at(model, training()), "vocabulary");
  EXPECT_EQ(finding.verdict, Verdict::ok);
  EXPECT_FALSE(finding.cost);
}

TEST(Rules, VocabularyMultipleOfEightIsANoteOfNearlyNoCost) {
  shape::Model model = test::gpt3_2_7b();
  model.vocab = 50264;
  const Finding finding = find(check_at(model, training()), "vocabulary");
  EXPECT_EQ(finding.verdict, Verdict::note);
  ASSERT_TRUE(finding.cost);
  EXPECT_LT(std::abs(finding.cost->value), 0.002);
  EXPECT_PRED2(contains, finding.message, "50304");
}

// 8h/3 of 4096 is 10922.67: even, no multiple of 4.
TEST(Rules, SwigluWidthAsWrittenIsCostly) {
  const auto findings = check_at(test::llama2_7b(10922), training());
  const Finding width = find(findings, "ffn_width");
  EXPECT_EQ(width.verdict, Verdict::costly);
  EXPECT_PRED2(contains, width.message, "10920 (multiple of 8) or 10944 (of 64)");
  EXPECT_GT(width.cost->low, 0.2);
  const Finding swiglu = find(findings, "swiglu");
  EXPECT_EQ(swiglu.section, "VII-B");
  EXPECT_EQ(swiglu.verdict, Verdict::costly);
  EXPECT_PRED2(contains, swiglu.message, "8h/3 as written");
  EXPECT_GT(swiglu.cost->low, 0.2);
}

TEST(Rules, SwigluWidthOfLlamaIsAmongTheBest) {
  const auto findings = check_at(test::llama2_7b(11008), training());
  EXPECT_EQ(find(findings, "ffn_width").verdict, Verdict::ok);
  EXPECT_EQ(find(findings, "swiglu").verdict, Verdict::ok);
}

TEST(Rules, PlainFfnHasNoSwigluRule) {
  for (const Finding& finding : check_at(test::gpt3_2_7b(), training())) EXPECT_NE(finding.rule, "swiglu");
}

TEST(Rules, HeadDimensionOf80IsANoteWhereEightSuffice) {
  const Finding finding = find(check_at(test::gpt3_2_7b(), training()), "head_dim");
  EXPECT_EQ(finding.value, "80 (2560/32)");
  EXPECT_EQ(finding.verdict, Verdict::note);
  ASSERT_TRUE(finding.cost);
  EXPECT_PRED2(contains, finding.message, "20 heads of 128");
}

TEST(Rules, HeadDimensionOf80IsCostlyWhereItIsMeasurablySlower) {
  shape::Workload unfused = training();
  unfused.attention = shape::AttentionKind::unfused;
  const Finding finding = find(check_at(test::gpt3_2_7b(), unfused), "head_dim");
  EXPECT_EQ(finding.verdict, Verdict::costly);
  EXPECT_GT(finding.cost->low, 0.01);
}

TEST(Rules, MisalignedHeadDimensionIsCostly) {
  const Finding finding = find(check_at(test::paper_shape(2560, 40, 8, 50304), training()), "head_dim");
  EXPECT_EQ(finding.verdict, Verdict::ok);
  const Finding odd = find(check_at(test::paper_shape(1980, 20, 8, 50304), training()), "head_dim");
  EXPECT_EQ(odd.value, "99 (1980/20)");
  EXPECT_EQ(odd.verdict, Verdict::costly);
}

TEST(Rules, TokensAreRowsAndNeedAlignmentOnlyForScores) {
  shape::Workload workload = training();
  workload.batch = 3;
  workload.sequence = 2047;
  EXPECT_EQ(find(check_at(test::llama2_7b(), workload), "tokens").verdict, Verdict::note);
  workload.attention = shape::AttentionKind::unfused;
  const Finding finding = find(check_at(test::llama2_7b(), workload), "tokens");
  EXPECT_EQ(finding.verdict, Verdict::costly);
  EXPECT_PRED2(contains, finding.message, "sequence 2048");
  // The paper: b itself need not be a power of two when s is.
  workload.sequence = 2048;
  EXPECT_EQ(find(check_at(test::llama2_7b(), workload), "tokens").verdict, Verdict::ok);
}

TEST(Rules, LargerMicrobatchIsANoteWithItsSaving) {
  const Finding finding = find(check_at(test::gpt3_2_7b(), training()), "microbatch");
  EXPECT_EQ(finding.verdict, Verdict::note);
  ASSERT_TRUE(finding.cost);
  EXPECT_GT(finding.cost->value, 0);
  EXPECT_LT(finding.cost->value, 0.1);
}

TEST(Rules, SmallestTensorParallelThatFits) {
  // 2.65e9 parameters take 16 bytes each in training: they fit one GPU of 140 GB.
  const Finding wasteful = find(check_at(test::gpt3_2_7b(), training(8)), "tensor_parallel", 8);
  EXPECT_EQ(wasteful.verdict, Verdict::costly);
  EXPECT_PRED2(contains, wasteful.message, "t = 1 fits already");
  EXPECT_GT(wasteful.cost->low, 0.01);
  EXPECT_EQ(find(check_at(test::gpt3_2_7b(), training()), "tensor_parallel").verdict, Verdict::ok);
  // Of several degrees none is the user's choice.
  EXPECT_EQ(find(check_at(test::gpt3_2_7b(), training(), {4, 8}), "tensor_parallel", 8).verdict, Verdict::note);
}

TEST(Rules, WorkloadThatDoesNotFitSaysWhatDoes) {
  shape::Workload workload = training();
  workload.batch = 64;
  const Finding finding = find(check_at(test::llama2_7b(), workload), "tensor_parallel");
  EXPECT_EQ(finding.verdict, Verdict::costly);
  EXPECT_FALSE(finding.cost);
  EXPECT_PRED2(contains, finding.message, "does not fit");
}

TEST(Rules, LayersOverStages) {
  shape::Workload workload = training();
  workload.pipeline_parallel = 5;
  const Finding finding = find(check_at(test::gpt3_2_7b(), workload), "layers_per_stage");
  EXPECT_EQ(finding.verdict, Verdict::impossible);
  EXPECT_PRED2(contains, finding.message, "30 or 35 would");
  workload.pipeline_parallel = 4;
  EXPECT_EQ(find(check_at(test::gpt3_2_7b(), workload), "layers_per_stage").verdict, Verdict::ok);
}

TEST(Rules, KvHeadsSplitOrAreCopied) {
  EXPECT_EQ(find(check_at(test::llama3_8b(), training(), {8}), "kv_heads_per_rank", 8).verdict, Verdict::ok);
  EXPECT_EQ(find(check_at(test::llama3_8b(), training(), {16}), "kv_heads_per_rank", 16).verdict, Verdict::note);
  shape::Model model = test::llama3_8b();
  model.attention.heads = 48;
  model.attention.head_dim = 128;
  EXPECT_EQ(find(check_at(model, training(), {6}), "kv_heads_per_rank", 6).verdict, Verdict::impossible);
}

TEST(Rules, SequenceParallelMustDivideTheSequence) {
  shape::Workload workload = training(4);
  workload.sequence_parallel = true;
  workload.sequence = 2046;
  EXPECT_EQ(find(check_at(test::gpt3_2_7b(), workload), "sequence_per_rank", 4).verdict, Verdict::impossible);
}

TEST(Rules, ExpertWidthsAreJudged) {
  shape::Model model = test::mixture();
  model.experts->width = 2817;
  int judged = 0;
  for (const Finding& finding : check_at(model, training())) {
    if (finding.rule != "ffn_width") continue;
    ++judged;
    EXPECT_EQ(finding.verdict, finding.subject == "expert d_ff/t" ? Verdict::costly : Verdict::ok) << finding.message;
  }
  EXPECT_EQ(judged, 2);
}

TEST(Rules, EveryRuleHasItsKeyAndSection) {
  for (const Finding& finding : check_at(test::llama3_8b(), training(2))) {
    EXPECT_FALSE(finding.rule.empty());
    EXPECT_PRED2(contains, finding.section, "VI");
    EXPECT_FALSE(finding.message.empty());
    EXPECT_FALSE(finding.subject.empty());
    EXPECT_FALSE(finding.value.empty());
  }
}

TEST(Rules, EveryPhaseIsJudged) {
  for (const shape::Phase phase : {shape::Phase::forward, shape::Phase::prefill, shape::Phase::decode}) {
    shape::Workload workload = training(2);
    workload.phase = phase;
    workload.cache = 1000;
    EXPECT_FALSE(check_at(test::mixture(), workload).empty());
  }
}

TEST(Rules, InvalidModelIsAnError) {
  shape::Model model = test::gpt3_2_7b();
  model.hidden = 0;
  EXPECT_THROW(check_at(model, training()), Error);
  EXPECT_THROW(check_at(test::gpt3_2_7b(), training(), {0}), Error);
}

}  // namespace
}  // namespace gemmetry::advise
