// Case study VII-A: nodes of six GPUs.
#include <gtest/gtest.h>

#include "advise/fake_costs.h"
#include "advise/shapes.h"
#include "gemmetry/advise/rules.h"

namespace gemmetry::advise {
namespace {

using test::contains;

std::vector<Finding> check_at(const shape::Model& model, const std::vector<std::int64_t>& degrees) {
  return check(model, test::training(), test::FakeCosts(), test::fake_gpu(), {degrees});
}

Finding find(const std::vector<Finding>& findings, std::string_view rule) {
  for (const Finding& finding : findings)
    if (finding.rule == rule) return finding;
  ADD_FAILURE() << "no finding of " << rule;
  return {};
}

class SixGpuNode : public testing::TestWithParam<std::int64_t> {};

TEST_P(SixGpuNode, ShapesOfEightGpuNodesAreImpossible) {
  const auto findings = check_at(test::redpajama(GetParam()), {6});
  const Finding heads = find(findings, "heads_per_rank");
  EXPECT_EQ(heads.verdict, Verdict::impossible);
  EXPECT_PRED2(contains, heads.message, "32 heads do not split over 6 GPUs; 30 or 36 would");
  EXPECT_EQ(find(findings, "hidden_per_rank").verdict, Verdict::impossible);
  EXPECT_EQ(find(findings, "batch_heads").verdict, Verdict::impossible);
  for (const Finding& finding : check_at(test::redpajama(GetParam()), {8}))
    EXPECT_NE(finding.verdict, Verdict::impossible) << finding.message;
}

TEST_P(SixGpuNode, WherePossibleTheyAreInefficient) {
  // 10242 / 6 = 1707 and 16386 / 6 = 2731 are odd.
  const auto findings = check_at(test::redpajama(GetParam()), {6});
  const Finding width = find(findings, "ffn_width");
  EXPECT_EQ(width.verdict, Verdict::impossible);
  EXPECT_PRED2(contains, width.message,
               GetParam() == 2560 ? "10242 would but is misaligned" : "16386 would but is misaligned");
  ASSERT_TRUE(width.cost);
  EXPECT_GT(width.cost->low, 0.1);
  // 50432 / 6 is not whole either: the padded part is misaligned.
  const Finding vocabulary = find(findings, "vocabulary");
  EXPECT_EQ(vocabulary.verdict, Verdict::costly);
  EXPECT_GT(vocabulary.cost->low, 0);
  for (const Finding& finding : check_at(test::redpajama(GetParam()), {8}))
    EXPECT_TRUE(finding.rule != "ffn_width" || finding.verdict == Verdict::ok) << finding.message;
}

TEST_P(SixGpuNode, ShapesMadeForSixTroubleOthers) {
  const Finding finding = find(check_at(test::redpajama(GetParam()), {6, 8}), "portability");
  EXPECT_EQ(finding.section, "VII-A");
  EXPECT_EQ(finding.verdict, Verdict::impossible);
  EXPECT_EQ(finding.tensor_parallel, 6);
  EXPECT_PRED2(contains, finding.message, "runs at t = 2, 4, 8, not at 6");
  EXPECT_PRED2(contains, finding.message, "made for 6, 30 heads fail at 4, 8 and 36 heads fail at 8");
  EXPECT_PRED2(contains, finding.message, "for all: 24 or 48 heads");
}

INSTANTIATE_TEST_SUITE_P(RedPajama, SixGpuNode, testing::Values(2560, 4096));

TEST(Portability, ShapeMadeForSixIsANoteWhenOnlySixIsAsked) {
  const Finding finding = find(check_at(test::paper_shape(2304, 36, 24, 50304), {6}), "portability");
  EXPECT_EQ(finding.verdict, Verdict::note);
  EXPECT_PRED2(contains, finding.message, "runs at t = 2, 4, 6, not at 8");
  EXPECT_PRED2(contains, finding.message, "24 or 48 heads");
}

TEST(Portability, ShapeForAllIsOk) {
  const Finding finding = find(check_at(test::paper_shape(3072, 24, 24, 50304), {1, 2, 4, 6, 8}), "portability");
  EXPECT_EQ(finding.verdict, Verdict::ok);
  EXPECT_EQ(finding.value, "1, 2, 4, 6, 8");
}

TEST(Portability, NamesKvHeadsThatSplitOrAreCopiedEverywhere) {
  // 2 divides 2, 4, 6 and 8; 8 KV heads are stuck at 6.
  const Finding finding = find(check_at(test::llama3_8b(), {6}), "portability");
  EXPECT_PRED2(contains, finding.message, "2 KV heads");
}

TEST(Portability, OneGpuNeedsNone) {
  for (const Finding& finding : check_at(test::gpt3_2_7b(), {1})) EXPECT_NE(finding.rule, "portability");
}

TEST(Portability, DegreesWithoutACommonMultipleNearby) {
  const Finding finding = find(check_at(test::gpt3_2_7b(), {7, 11, 13, 17}), "portability");
  EXPECT_EQ(finding.verdict, Verdict::impossible);
  EXPECT_PRED2(contains, finding.message, "no size near its own serves all");
}

}  // namespace
}  // namespace gemmetry::advise
