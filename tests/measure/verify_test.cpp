#include "gemmetry/measure/verify.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "gemmetry/measure/sample.h"
#include "gemmetry/measure/stand_in.h"
#include "measure/oracle_backend.h"

namespace gemmetry::measure {
namespace {

using shape::Dtype;

Arrays filled(const op::Operator& op, std::uint64_t seed) {
  Arrays arrays;
  const std::vector<Operand> described = operands(op);
  for (std::size_t i = 0; i < described.size(); ++i)
    arrays.push_back(described[i].use == Use::out ? std::vector<double>{} : fill_values(described[i], seed + i));
  return arrays;
}

void expect_sample_of_whole(const op::Operator& op) {
  const std::vector<Expected> whole = expect(op, filled(op, 5));
  const std::vector<Sample> samples = sample(op, 5);
  std::size_t outputs = 0;
  for (const Expected& expected : whole) outputs += expected.values.empty() ? 0 : 1;
  EXPECT_EQ(samples.size(), outputs);
  for (const Sample& one : samples) {
    EXPECT_FALSE(one.elements.empty());
    for (std::size_t i = 0; i < one.elements.size(); ++i) {
      const std::size_t element = static_cast<std::size_t>(one.elements[i]);
      ASSERT_LT(element, whole[one.operand].values.size());
      EXPECT_DOUBLE_EQ(one.expected.values[i], whole[one.operand].values[element]) << element;
      EXPECT_NEAR(one.expected.errors[i], whole[one.operand].errors[element],
                  1e-9 * whole[one.operand].errors[element]);
    }
  }
}

TEST(Sample, IsPartOfTheWhole) {
  for (const Dtype dtype : {Dtype::bf16, Dtype::fp16, Dtype::fp8, Dtype::fp32})
    for (const op::Layout layout : {op::Layout::nt, op::Layout::nn, op::Layout::tn}) {
      expect_sample_of_whole(op::Gemm{3, 21, 34, 55, dtype, layout});
      expect_sample_of_whole(op::GroupedGemm{4, 21, 34, 55, dtype, layout});
    }
  expect_sample_of_whole(op::Gemm{1, 21, 34, 55, Dtype::bf16, op::Layout::nt, op::Epilogue::bias_gelu});
  expect_sample_of_whole(op::Gemm{1, 21, 34, 55, Dtype::bf16, op::Layout::tn, op::Epilogue::bias_gradient});
  for (const bool backward : {false, true})
    for (const bool positions : {false, true}) expect_sample_of_whole(op::Embedding{40, 5, positions, backward});
}

TEST(Sample, OfRowsIsPartOfTheWhole) {
  for (const std::int64_t rows : {1, 3, 3000})
    for (const bool backward : {false, true}) {
      for (const bool gated : {false, true})
        expect_sample_of_whole(op::Activation{rows, 50, shape::Activation::gelu, gated, backward});
      expect_sample_of_whole(op::Softmax{rows, 50, backward, backward});
      expect_sample_of_whole(op::CrossEntropy{rows, 50, backward});
      expect_sample_of_whole(op::Residual{rows, 50, backward, backward, Dtype::bf16, !backward});
      expect_sample_of_whole(op::Optimizer{rows, backward ? Dtype::bf16 : Dtype::fp32});
      expect_sample_of_whole(
          op::Norm{rows, 50, backward ? shape::NormKind::layer_norm : shape::NormKind::rms_norm, false});
    }
  expect_sample_of_whole(op::Norm{50, 50});
}

TEST(Sample, OfRowsHasTheFirstTheLastAndEnoughBetween) {
  const std::vector<Sample> samples = sample(op::Norm{100'000, 4096}, 1);
  ASSERT_EQ(samples.size(), 3u) << "y, mean and rstd";
  const std::vector<std::int64_t>& rows = samples[1].elements;
  EXPECT_EQ(rows.front(), 0);
  EXPECT_EQ(rows.back(), 99'999);
  EXPECT_GE(rows.size(), 16u);
  EXPECT_EQ(samples[0].elements.size(), rows.size() * 4096);
}

TEST(Sample, KnowsNothingOfRowsThatHangTogether) {
  EXPECT_FALSE(can_sample(op::Norm{.rows = 8, .width = 8, .backward = true}));
  EXPECT_FALSE(can_sample(op::Softmax{8, 8, true}));
  EXPECT_FALSE(can_sample(op::Residual{8, 8, true}));
  EXPECT_FALSE(can_sample(op::Rotary{8, 8, 8}));
}

TEST(Sample, HasTheCornersAndAtLeast512Elements) {
  const std::vector<Sample> samples = sample(op::Gemm{1, 1000, 2000, 8, Dtype::bf16}, 1);
  const std::set<std::int64_t> elements(samples[0].elements.begin(), samples[0].elements.end());
  EXPECT_GE(elements.size(), 512u);
  for (const std::int64_t corner : {0, 1999, 999 * 2000, 999 * 2000 + 1999}) EXPECT_EQ(elements.count(corner), 1u);
}

TEST(Sample, ReachesPastTwoToTheThirtyTwo) {
  const std::int64_t size = 100'000;
  const std::vector<Sample> samples = sample(op::Gemm{3, size, size, 2, Dtype::bf16}, 1);
  const auto last = std::max_element(samples[0].elements.begin(), samples[0].elements.end());
  EXPECT_EQ(*last, 3 * size * size - 1);
}

TEST(Sample, OfNothingIsEmpty) {
  EXPECT_TRUE(sample(op::Gemm{1, 0, 5, 5}, 1)[0].elements.empty());
  EXPECT_TRUE(sample(op::Gemm{0, 5, 5, 5}, 1)[0].elements.empty());
  EXPECT_TRUE(sample(op::GroupedGemm{4, 0, 5, 5}, 1)[0].elements.empty());
  EXPECT_EQ(sample(op::Gemm{1, 5, 5, 0}, 1)[0].expected.values[0], 0);
}

TEST(StandIns, KeepWhatKernelsChooseBy) {
  const auto only = [](const op::Operator& op) {
    const std::vector<op::Operator> all = stand_ins(op);
    EXPECT_EQ(all.size(), 1u);
    return all.front();
  };
  const op::Norm norm = std::get<op::Norm>(only(op::Norm{.rows = 1'000'003, .width = 12288, .backward = true}));
  EXPECT_EQ(norm.width, 12288);
  EXPECT_LE(norm.rows, 256);
  EXPECT_EQ(norm.rows % 8, 1'000'003 % 8);

  op::Attention a{.batch = 8, .queries = 4097, .keys = 8194, .heads = 64, .kv_heads = 8};
  a.backward = true;
  const op::Attention smaller = std::get<op::Attention>(only(a));
  EXPECT_EQ(smaller.heads / smaller.kv_heads, 8);
  EXPECT_EQ(smaller.head_dim, 128);
  EXPECT_EQ(smaller.queries % 128, 1);
  EXPECT_EQ((smaller.keys - smaller.queries) % 128, 1);
  EXPECT_LE(op::flop(smaller), 1e9);

  const op::Norm small{3, 5};
  EXPECT_EQ(only(small), op::Operator(small));
}

TEST(StandIns, OfDecodeKeepOneQuery) {
  const op::Attention decode{.batch = 64, .queries = 1, .keys = 100'000, .heads = 32, .kv_heads = 8};
  const op::Attention smaller = std::get<op::Attention>(stand_ins(decode).front());
  EXPECT_EQ(smaller.queries, 1);
  EXPECT_GT(smaller.keys, 1000);
}

TEST(StandIns, KeepAWindowThatCuts) {
  const op::Attention a{.queries = 8192, .keys = 8192, .heads = 32, .kv_heads = 32, .window = 4096};
  const op::Attention smaller = std::get<op::Attention>(stand_ins(a).front());
  EXPECT_GT(smaller.window, 0);
  EXPECT_LT(smaller.window, smaller.keys);
}

TEST(StandIns, OfALargeCausalSoftmaxAreTwo) {
  const std::vector<op::Operator> two = stand_ins(op::Softmax{8192 * 32, 8192});
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(std::get<op::Softmax>(two[0]).columns, 8192);
  EXPECT_NE(std::get<op::Softmax>(two[0]).rows % 8192, 0) << "every row sees all columns";
  EXPECT_EQ(std::get<op::Softmax>(two[1]).rows, std::get<op::Softmax>(two[1]).columns);
  const std::vector<op::Operator> one = stand_ins(op::Softmax{512 * 100'000, 512});
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(std::get<op::Softmax>(one[0]).rows % 512, 0);
}

TEST(Verify, TakesARightResult) {
  OracleBackend backend;
  const Verdict verdict = verify(backend, op::Gemm{1, 33, 65, 129}, nullptr, 3);
  EXPECT_TRUE(verdict.right) << verdict.message;
  EXPECT_LE(verdict.error, 1);
  EXPECT_EQ(backend.allocated, 0) << "every buffer is released";
}

TEST(Verify, TakesOperatorsOfNothing) {
  OracleBackend backend;
  for (const op::Operator& op : {op::Operator(op::Gemm{1, 0, 4, 4}), op::Operator(op::Gemm{1, 4, 4, 0}),
                                 op::Operator(op::Norm{0, 8}), op::Operator(op::Pointwise{})}) {
    const Verdict verdict = verify(backend, op, nullptr, 3);
    EXPECT_TRUE(verdict.right) << op::kind(op) << " " << verdict.message;
  }
}

TEST(Verify, NamesWhatIsWrong) {
  OracleBackend backend;
  backend.compute = [](const op::Operator& op, const Arrays& operands) {
    Arrays results = oracle(op, operands);
    results[2][7] = 100;
    return results;
  };
  const Verdict verdict = verify(backend, op::Gemm{1, 3, 5, 4}, nullptr, 3);
  EXPECT_EQ(verdict.code, StatusCode::ok);
  EXPECT_FALSE(verdict.right);
  EXPECT_GT(verdict.error, 1);
  EXPECT_EQ(verdict.message.find("c[1, 2] is 100, expected "), 0u) << verdict.message;
}

TEST(Verify, NaNIsWrong) {
  OracleBackend backend;
  backend.compute = [](const op::Operator&, const Arrays& operands) { return Arrays(operands.size()); };
  for (const Dtype dtype : {Dtype::bf16, Dtype::fp16, Dtype::fp32, Dtype::fp8}) {
    EXPECT_FALSE(verify(backend, op::Gemm{1, 3, 5, 4, dtype}, nullptr, 3).right) << "nothing was written";
    EXPECT_FALSE(verify(backend, op::Residual{3, 5, true, false, dtype}, nullptr, 3).right);
  }
}

TEST(Verify, LargeProductsAreSampledAndStillFoundOut) {
  OracleBackend backend;
  const op::Gemm large{1, 400, 500, 300};
  EXPECT_TRUE(verify(backend, large, nullptr, 3).right);
  backend.compute = [](const op::Operator& op, Arrays operands) {
    for (std::size_t row = 0; row < 400; ++row) operands[0][row * 300 + 299] = 0;
    return oracle(op, operands);
  };
  EXPECT_FALSE(verify(backend, large, nullptr, 3).right);
}

TEST(Verify, LargeRowsAreSampledAndStillFoundOut) {
  OracleBackend backend;
  const op::Norm large{2048, 1024};
  EXPECT_TRUE(verify(backend, large, nullptr, 3).right);
  EXPECT_EQ(backend.planned, std::vector<op::Operator>{large}) << "at its own size";
  backend.compute = [](const op::Operator& op, Arrays operands) {
    operands[0][2047 * 1024 + 1023] = 7;
    return oracle(op, operands);
  };
  const Verdict verdict = verify(backend, large, nullptr, 3);
  EXPECT_FALSE(verdict.right);
  EXPECT_FALSE(verdict.message.empty());
}

TEST(Verify, ChecksEveryStandIn) {
  OracleBackend backend;
  const op::Softmax softmax{4096 * 4, 4096};
  EXPECT_TRUE(verify(backend, softmax, nullptr, 3).right);
  EXPECT_EQ(backend.planned, stand_ins(softmax));
}

TEST(Verify, ErrorsOfTheBackendAreTheVerdicts) {
  OracleBackend backend;
  const op::Gemm gemm{1, 3, 5, 4};
  backend.refuse_run = refusal(StatusCode::device_lost, "gone");
  EXPECT_EQ(verify(backend, gemm, nullptr, 3).code, StatusCode::device_lost);
  backend.refuse_allocate = refusal(StatusCode::out_of_memory, "full");
  EXPECT_EQ(verify(backend, gemm, nullptr, 3).code, StatusCode::out_of_memory);
  backend.refuse_plan = refusal(StatusCode::unsupported, "not here");
  const Verdict verdict = verify(backend, gemm, nullptr, 3);
  EXPECT_EQ(verdict.code, StatusCode::unsupported);
  EXPECT_FALSE(verdict.right);
  EXPECT_NE(verdict.message.find("not here"), std::string::npos);
  EXPECT_EQ(backend.allocated, 0);
}

TEST(Verify, AbsurdSizesAreOutOfMemory) {
  OracleBackend backend;
  const std::int64_t huge = std::int64_t{1} << 40;
  EXPECT_EQ(verify(backend, op::Gemm{huge, huge, huge, huge}, nullptr, 3).code, StatusCode::out_of_memory);
  EXPECT_EQ(verify(backend, op::Collective{}, nullptr, 3).code, StatusCode::unsupported);
}

TEST(Verify, APlanOnItsBuffers) {
  OracleBackend backend;
  const op::Gemm gemm{1, 6, 7, 8};
  const std::vector<Operand> described = operands(gemm);
  std::vector<void*> buffers(described.size());
  for (std::size_t i = 0; i < described.size(); ++i) {
    ASSERT_TRUE(backend.allocate(described[i].bytes(), &buffers[i]).ok());
    ASSERT_TRUE(backend.fill(buffers[i], described[i], 40 + i).ok());
  }
  Plan* plan = nullptr;
  ASSERT_TRUE(backend.plan(gemm, nullptr, &plan).ok());
  EXPECT_TRUE(verify(backend, gemm, Call{plan, buffers.data()}, 40).right);
  EXPECT_FALSE(verify(backend, gemm, Call{plan, buffers.data()}, 41).right) << "other data";
  delete plan;
  for (void* buffer : buffers) backend.release(buffer);
}

}  // namespace
}  // namespace gemmetry::measure
