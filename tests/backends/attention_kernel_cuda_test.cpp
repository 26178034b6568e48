#include <gtest/gtest.h>

#include <string>

#include "backends/cuda_fixture.h"
#include "backends/kernel_call.h"
#include "backends/kernel_close.h"
#include "gemmetry/backends/cpu/cpu_backend.h"

// Attention of the CUDA backend at its place in a model, against the CPU's on the same numbers.

namespace gemmetry::backends {
namespace {

using shape::Dtype;

/// Attention in larger arrays: `pad` elements between rows, `offset` before the arrays.
struct AttentionCase {
  op::Attention attention;
  std::vector<std::int32_t> lengths;
  std::int32_t splits = 0;
  std::int64_t pad = 0;
  std::int64_t offset = 0;
  std::vector<std::int32_t> slots;
};

measure::AttentionKernel kernel_of(const AttentionCase& given) {
  const op::Attention& a = given.attention;
  return {.attention = a,
          .q_stride = a.heads * a.head_dim + given.pad,
          .k_stride = a.kv_heads * a.head_dim + given.pad,
          .v_stride = a.kv_heads * a.value_dim + given.pad,
          .o_stride = a.heads * a.value_dim + given.pad,
          .k_sequence = a.keys * (a.kv_heads * a.head_dim + given.pad) + given.pad,
          .lengths = !given.lengths.empty(),
          .slots = !given.slots.empty(),
          .splits = given.splits};
}

std::vector<Data> operands_of(const AttentionCase& given) {
  const auto kernel = std::get<measure::AttentionKernel>(measure::with_strides(kernel_of(given)));
  const op::Attention& a = given.attention;
  const Element type = element(a.dtype);
  std::vector<Data> operands = {random(type, a.batch * a.queries * kernel.q_stride, 1, given.offset),
                                random(type, a.batch * kernel.k_sequence, 2, given.offset),
                                random(type, a.batch * kernel.v_sequence, 3, given.offset)};
  if (kernel.lengths) operands.push_back(whole_numbers(given.lengths));
  if (kernel.slots) operands.push_back(whole_numbers(given.slots));
  operands.push_back(random(type, a.batch * a.queries * kernel.o_stride, 4, given.offset));
  return operands;
}

void expect_attention(measure::Backend& cuda, const AttentionCase& given, const char* key = nullptr) {
  const op::Attention& a = given.attention;
  const std::vector<Data> operands = operands_of(given);
  // Weights are rounded to the element before they meet the values.
  const double error = a.dtype == Dtype::fp32 ? 1e-5 : a.dtype == Dtype::fp16 ? 1e-3 : 6e-3;
  std::string what = "attention " + std::string(shape::name(a.dtype)) + (a.causal ? " causal" : "");
  for (const auto& [name, size] : std::vector<std::pair<const char*, std::int64_t>>{{"batch", a.batch},
                                                                                    {"queries", a.queries},
                                                                                    {"keys", a.keys},
                                                                                    {"heads", a.heads},
                                                                                    {"kv_heads", a.kv_heads},
                                                                                    {"head_dim", a.head_dim},
                                                                                    {"value_dim", a.value_dim},
                                                                                    {"window", a.window},
                                                                                    {"splits", given.splits},
                                                                                    {"pad", given.pad},
                                                                                    {"offset", given.offset}})
    what += std::string(" ") + name + " " + std::to_string(size);
  expect_same(cuda, kernel_of(given), operands, operands.size() - 1, error, what, key);
}

op::Attention attention(std::int64_t batch, std::int64_t queries, std::int64_t keys, std::int64_t heads,
                        std::int64_t kv_heads, std::int64_t dim, Dtype dtype, std::int64_t window = 0,
                        bool causal = true) {
  return {batch, queries, keys, heads, kv_heads, dim, dim, window, causal, false, dtype};
}

TEST_F(Cuda, AttentionKernelsOfDecoding) {
  for (const Dtype dtype : floats)
    for (const std::int32_t splits : {0, 1, 3, 8})
      for (const std::int64_t dim : {16, 64, 80, 128, 256, 20}) {
        expect_attention(*backend_, {attention(2, 1, 300, 4, 2, dim, dtype), {}, splits});
        expect_attention(*backend_, {attention(3, 1, 515, 8, 1, dim, dtype), {515, 1, 130}, splits, 8});
        expect_attention(*backend_, {attention(4, 3, 200, 4, 4, dim, dtype), {200, 3, 2, 0}, splits, 0});
        expect_attention(*backend_, {attention(2, 1, 400, 4, 2, dim, dtype, 70), {390, 17}, splits, 8});
      }
}

/// By clusters of blocks, whose warps take keys several times.
TEST_F(Cuda, AttentionKernelsOfDecodingWithGroupsOfHeads) {
  for (const Dtype dtype : {Dtype::bf16, Dtype::fp16})
    for (const std::int64_t group : {1, 3, 4, 6})
      for (const std::int64_t dim : {48, 64, 128, 256}) {
        expect_attention(*backend_, {attention(1, 1, 2500, 2 * group, 2, dim, dtype), {2345}, 0, 8});
        expect_attention(*backend_, {attention(2, 1, 600, group, 1, dim, dtype, 300), {600, 257}});
      }
}

TEST_F(Cuda, AttentionKernelsOfManyRows) {
  for (const Dtype dtype : floats)
    for (const std::int32_t splits : {0, 2}) {
      expect_attention(*backend_, {attention(1, 1, 333, 71, 1, 64, dtype), {}, splits});
      expect_attention(*backend_, {attention(2, 37, 260, 8, 2, 128, dtype), {260, 41}, splits});
      expect_attention(*backend_, {attention(1, 100, 140, 4, 1, 80, dtype, 33), {139}, splits, 8});
      expect_attention(*backend_, {attention(1, 65, 129, 4, 2, 256, dtype), {129}, splits});
      expect_attention(*backend_, {attention(1, 40, 129, 4, 2, 64, dtype, 0, false), {120}, splits});
      expect_attention(*backend_, {attention(1, 40, 129, 2, 2, 64, dtype), {20}, splits});  // before the first key
    }
}

TEST_F(Cuda, AttentionKernelsOfUnlikeDimensionsAndPlaces) {
  for (const Dtype dtype : floats)
    for (const std::int64_t queries : {1, 20}) {
      op::Attention latent = attention(2, queries, 150, 4, 4, 192, dtype);
      latent.value_dim = 128;
      expect_attention(*backend_, {latent, {150, 77}, 2});
      latent.head_dim = 40;
      latent.value_dim = 72;
      expect_attention(*backend_, {latent, {150, 77}});
      expect_attention(*backend_, {attention(2, queries, 150, 4, 2, 64, dtype), {150, 77}, 2, 0, 1});
      expect_attention(*backend_, {attention(2, queries, 150, 4, 2, 64, dtype), {150, 77}, 0, 3});
      expect_attention(*backend_, {attention(1, queries, 90, 2, 1, 320, dtype), {90}});
    }
}

TEST_F(Cuda, AttentionKernelsOfPrefill) {
  for (const Dtype dtype : floats)
    for (const std::int64_t pad : {0, 64})
      for (const char* key : {static_cast<const char*>(nullptr), "own:attention"})
        for (const std::int64_t offset : {0, 1}) {
          expect_attention(*backend_, {attention(2, 130, 130, 4, 2, 64, dtype), {}, 0, pad, offset}, key);
          expect_attention(*backend_, {attention(1, 96, 200, 4, 4, 128, dtype, 50), {}, 0, pad, offset}, key);
          expect_attention(*backend_, {attention(1, 64, 64, 4, 2, 80, dtype, 0, false), {}, 0, pad, offset}, key);
        }
}

TEST_F(Cuda, AttentionKernelsOfSlots) {
  for (const Dtype dtype : floats)
    for (const std::int32_t splits : {0, 1, 3})
      for (const std::int64_t dim : {64, 128, 20}) {
        expect_attention(*backend_, {attention(3, 1, 300, 4, 2, dim, dtype), {300, 1, 130}, splits, 0, 0, {2, 0, 1}});
        expect_attention(*backend_,
                         {attention(4, 1, 515, 8, 1, dim, dtype), {515, 9, 1, 64}, splits, 8, 0, {1, -1, 3, 0}});
        expect_attention(*backend_, {attention(3, 16, 260, 8, 2, dim, dtype), {260, 41, 7}, splits, 0, 0, {-1, 2, 0}});
        expect_attention(*backend_, {attention(2, 40, 400, 4, 4, dim, dtype, 70), {390, 100}, splits, 0, 0, {1, 1}});
      }
}

/// A window's rows have the bits of decoding them one by one, wherever in the window, and in whichever slot and
/// company.
TEST_F(Cuda, AttentionKernelsWithOneSplitAreTheSameInWindowsAndInDecoding) {
  for (const Dtype dtype : floats)
    for (const std::int64_t window : {0, 37})
      for (const std::int64_t group : {1, 4}) {
        const std::int64_t queries = 21, keys = 200, dim = 64;
        const std::int64_t row = 2 * group * dim;
        const AttentionCase pass{
            attention(3, queries, keys, 2 * group, 2, dim, dtype, window), {150, 9, 21}, 1, 0, 0, {2, -1, 0}};
        const std::vector<Data> all = operands_of(pass);
        const Values results = run_kernel(*backend_, kernel_of(pass), all, 5);
        for (const std::int64_t b : {0, 2}) {
          // A decoding batch of all its rows, with dummies between, over the same cache.
          AttentionCase decode{attention(2 * queries, 1, keys, 2 * group, 2, dim, dtype, window), {}, 1};
          Data q{element(dtype), {}};
          for (std::int64_t i = 0; i < queries; ++i)
            for (const bool dummy : {true, false}) {
              const std::int32_t length = pass.lengths[static_cast<std::size_t>(b)];
              decode.lengths.push_back(length - static_cast<std::int32_t>(queries - 1 - i));
              decode.slots.push_back(dummy ? -1 : pass.slots[static_cast<std::size_t>(b)]);
              const auto from = all[0].values.begin() + (b * queries + i) * row;
              q.values.insert(q.values.end(), from, from + row);
            }
          Data o{element(dtype), Values(q.values.size())};
          const Values decoded =
              run_kernel(*backend_, kernel_of(decode),
                         {q, all[1], all[2], whole_numbers(decode.lengths), whole_numbers(decode.slots), o}, 5);
          for (std::int64_t i = 0; i < queries; ++i) {
            const auto one = decoded.begin() + (2 * i + 1) * row;
            EXPECT_TRUE(std::equal(one, one + row, results.begin() + (b * queries + i) * row))
                << shape::name(dtype) << " window " << window << " group " << group << " sequence " << b << " row "
                << i;
          }
        }
      }
}

/// With fixed parts a query's result is the same bits whatever stands beside it.
TEST_F(Cuda, AttentionKernelsWithFixedPartsDoNotSeeTheirNeighbours) {
  for (const Dtype dtype : floats) {
    const op::Attention wide = attention(3, 5, 700, 8, 2, 64, dtype);
    const AttentionCase together{wide, {700, 333, 80}, 4};
    const std::vector<Data> all = operands_of(together);
    const Values results = run_kernel(*backend_, kernel_of(together), all, 4);
    const std::int64_t row = 8 * 64;
    const std::int64_t sequence = 700 * 2 * 64;
    for (const std::int64_t b : {0, 1, 2})
      for (const std::int64_t query : {0, 4}) {
        const auto slice = [](const Data& data, std::int64_t begin, std::int64_t count) {
          return Data{data.element, Values(data.values.begin() + begin, data.values.begin() + begin + count)};
        };
        const auto length = static_cast<std::int32_t>(all[3].values[static_cast<std::size_t>(b)]);
        AttentionCase alone{wide, {length - 4 + static_cast<std::int32_t>(query)}, 4};
        alone.attention.batch = 1;
        alone.attention.queries = 1;
        std::vector<Data> operands = {slice(all[0], (b * 5 + query) * row, row), slice(all[1], b * sequence, sequence),
                                      slice(all[2], b * sequence, sequence), whole_numbers(alone.lengths),
                                      slice(all[4], 0, row)};
        const Values one = run_kernel(*backend_, kernel_of(alone), operands, 4);
        EXPECT_TRUE(std::equal(one.begin(), one.end(), results.begin() + (b * 5 + query) * row))
            << shape::name(dtype) << " sequence " << b << " query " << query;
      }
  }
}

}  // namespace
}  // namespace gemmetry::backends
