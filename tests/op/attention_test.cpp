#include "gemmetry/op/attention.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace gemmetry::op {
namespace {

/// The pairs counted one by one.
double counted_pairs(const Attention& a) {
  double pairs = 0;
  for (std::int64_t i = 0; i < a.queries; ++i)
    for (std::int64_t j = 0; j < a.keys; ++j) {
      const std::int64_t position = a.keys - a.queries + i;
      const bool seen = !a.causal || (j <= position && (a.window == 0 || j > position - a.window));
      pairs += seen;
    }
  return pairs;
}

Attention with(std::int64_t queries, std::int64_t keys, std::int64_t window) {
  Attention a;
  a.queries = queries;
  a.keys = keys;
  a.window = window;
  return a;
}

TEST(Attention, CountsUnmaskedPairs) {
  for (const std::int64_t keys : {1, 2, 7, 16, 33})
    for (const std::int64_t queries : {1, 2, 5, 16, 33})
      for (const std::int64_t window : {0, 1, 3, 8, 40}) {
        if (queries > keys) continue;
        const Attention a = with(queries, keys, window);
        EXPECT_DOUBLE_EQ(unmasked_pairs(a), counted_pairs(a)) << queries << " of " << keys << " window " << window;
      }
}

TEST(Attention, CountsUsefulOperationsOnly) {
  Attention a = with(2048, 2048, 0);
  a.batch = 4;
  a.heads = 32;
  a.head_dim = a.value_dim = 80;
  EXPECT_DOUBLE_EQ(flop(a), 4 * 32 * (2048.0 * 2049 / 2) * 4 * 80);
  a.causal = false;
  EXPECT_DOUBLE_EQ(flop(a), 4 * 32 * 2048.0 * 2048 * 4 * 80);
  const double forward = flop(a);
  a.backward = true;
  EXPECT_DOUBLE_EQ(flop(a), 2.5 * forward);
}

TEST(Attention, DecodeReadsTheCacheOnceAKvHead) {
  Attention a = with(1, 4096, 0);
  a.batch = 8;
  a.heads = 32;
  a.kv_heads = 8;
  EXPECT_DOUBLE_EQ(bytes(a), 2 * 8.0 * (32 * 128 + 8 * 4096 * 256 + 32 * 128));
  a.window = 1024;
  EXPECT_DOUBLE_EQ(bytes(a), 2 * 8.0 * (32 * 128 + 8 * 1024 * 256 + 32 * 128));
}

}  // namespace
}  // namespace gemmetry::op
