#include "gemmetry/run/verify/drafts.h"

#include <gtest/gtest.h>

#include "error_of.h"
#include "gemmetry/run/verify/passes.h"

namespace gemmetry::run {
namespace {

using Tokens = std::vector<std::int32_t>;

/// A request for `wanted` tokens with drafts 1, 2, ... behind its first token 0.
Drafts drafts(std::int64_t wanted, std::int32_t count) {
  Drafts made(wanted, 0);
  for (std::int32_t i = 1; i <= count; ++i) made.add(i);
  return made;
}

Tokens committed(const Drafts& drafts) { return {drafts.committed().begin(), drafts.committed().end()}; }
Tokens to_verify(const Drafts& drafts, std::int64_t window) {
  const auto tokens = drafts.to_verify(window);
  return {tokens.begin(), tokens.end()};
}

TEST(Drafts, AWindowIsDrawnBehindTheLastCommittedToken) {
  const Drafts four = drafts(10, 4);
  EXPECT_EQ(to_verify(four, 4), (Tokens{0, 1, 2, 3}));
  EXPECT_EQ(to_verify(four, 3), (Tokens{0, 1, 2}));
  EXPECT_EQ(to_verify(four, 16), (Tokens{0, 1, 2, 3})) << "fewer than the window";
  EXPECT_TRUE(to_verify(drafts(10, 0), 4).empty());
}

TEST(Drafts, AllThatAgreeAreCommittedAndNoMore) {
  Drafts four = drafts(10, 4);
  const WindowOutcome outcome = four.commit(Tokens{1, 2, 3, 4});
  EXPECT_EQ(outcome.tokens, 4);
  EXPECT_EQ(outcome.kept, 4);
  EXPECT_EQ(outcome.rolled_back, 0);
  EXPECT_FALSE(outcome.mismatch);
  EXPECT_EQ(committed(four), (Tokens{0, 1, 2, 3, 4}));
  EXPECT_EQ(four.unverified(), 0);
  EXPECT_EQ(four.last(), 4);
}

TEST(Drafts, AMismatchKeepsTheVerifiersTokenAndDropsWhatIsBehind) {
  struct Case {
    Tokens drawn;
    std::int64_t rolled_back;
    Tokens committed;
  };
  for (const Case& c : {Case{{9, 2, 3, 4}, 3, {0, 9}}, Case{{1, 2, 9, 4}, 1, {0, 1, 2, 9}},
                        Case{{1, 2, 3, 9}, 0, {0, 1, 2, 3, 9}}, Case{{9, 9, 9, 9}, 3, {0, 9}}}) {
    Drafts four = drafts(10, 4);
    const WindowOutcome outcome = four.commit(c.drawn);
    EXPECT_TRUE(outcome.mismatch);
    EXPECT_EQ(outcome.rolled_back, c.rolled_back);
    EXPECT_EQ(outcome.kept, 4 - c.rolled_back);
    EXPECT_EQ(committed(four), c.committed);
    EXPECT_EQ(four.last(), 9) << "decoding goes on with the verifier's token";
    EXPECT_EQ(four.size(), std::ssize(c.committed));
  }
}

TEST(Drafts, AreReadyWhenTheyFillTheWindowOrAreTheLast) {
  EXPECT_FALSE(drafts(10, 0).ready(1));
  EXPECT_FALSE(drafts(10, 3).ready(4));
  EXPECT_TRUE(drafts(10, 4).ready(4));
  EXPECT_TRUE(drafts(4, 3).ready(16)) << "a window longer than the answer";
  Drafts one(1, 7);
  EXPECT_TRUE(one.done() && !one.ready(1)) << "the prefill's token is all";
}

TEST(Drafts, RolledBackAfterTheLastTokenTheyAreDecodedAgain) {
  Drafts last = drafts(4, 3);
  EXPECT_TRUE(last.complete());
  last.commit(Tokens{1, 9, 3});
  EXPECT_FALSE(last.complete() || last.done());
  last.add(5);
  EXPECT_TRUE(last.ready(16));
  last.commit(Tokens{5});
  EXPECT_TRUE(last.done());
  EXPECT_EQ(committed(last), (Tokens{0, 1, 9, 5}));
}

TEST(Drafts, SayWhatIsWrong) {
  EXPECT_NE(error_of([] { Drafts(0, 1); }).find("0 tokens"), std::string::npos);
  EXPECT_NE(error_of([] { drafts(2, 2); }).find("has the 2 tokens"), std::string::npos);
  EXPECT_NE(error_of([] { drafts(9, 1).commit(Tokens{1, 2}); }).find("2 verified tokens"), std::string::npos);
}

std::vector<std::vector<std::size_t>> passes(const std::vector<Drafts>& requests, PassShape shape) {
  std::vector<const Drafts*> pointers;
  for (const Drafts& request : requests) pointers.push_back(&request);
  return verification_passes(pointers, shape);
}

using Passes = std::vector<std::vector<std::size_t>>;

TEST(VerificationPasses, TakeReadyRequestsFirstAndOthersWhereThereIsRoom) {
  const std::vector<Drafts> requests{drafts(99, 1), drafts(99, 4), drafts(99, 0), drafts(99, 3), drafts(3, 2)};
  EXPECT_EQ(passes(requests, {1, 4}), (Passes{{1}, {4}}));
  EXPECT_EQ(passes(requests, {2, 4}), (Passes{{1, 4}}));
  EXPECT_EQ(passes(requests, {3, 4}), (Passes{{1, 4, 0}})) << "the first of those with drafts";
  EXPECT_EQ(passes(requests, {8, 4}), (Passes{{1, 4, 0, 3}})) << "none without drafts";
}

TEST(VerificationPasses, AreAsManyAsReadyRequestsNeed) {
  const std::vector<Drafts> ready(5, drafts(99, 4));
  EXPECT_EQ(passes(ready, {2, 4}), (Passes{{0, 1}, {2, 3}, {4}}));
  EXPECT_TRUE(passes(ready, {2, 8}).empty());
  EXPECT_TRUE(passes({}, {2, 8}).empty());
}

TEST(PassShapes, AreTheHeatmapsTwentyOne) {
  const std::vector<PassShape> shapes = usual_pass_shapes();
  EXPECT_EQ(shapes.size(), 21u);
  for (const PassShape& shape : shapes) EXPECT_LE(shape.rows(), 512);
}

}  // namespace
}  // namespace gemmetry::run
