#include <gtest/gtest.h>

#include <string>

#include "backends/cuda_fixture.h"
#include "backends/kernel_call.h"
#include "backends/kernel_close.h"

// Verified decoding rests on it: an algorithm that sums k in one piece gives a row the same bits whatever its place and
// however many rows there are.

namespace gemmetry::backends {
namespace {

using shape::Dtype;

/// Keys of algorithms without parts of k and without a workspace that could hold their sums, best first.
std::vector<std::string> whole_keys(measure::Backend& backend, const op::Gemm& gemm) {
  std::vector<measure::AlgorithmInfo> all(256);
  std::int32_t found = 0;
  measure::require(backend.algorithms(gemm, all.data(), 256, &found));
  std::vector<std::string> keys;
  for (std::int32_t i = 0; i < found; ++i) {
    const measure::AlgorithmInfo& one = all[static_cast<std::size_t>(i)];
    if ((one.split_k == 0 || one.split_k == 1) && one.workspace_bytes < 8192) keys.push_back(one.key);
  }
  return keys;
}

TEST_F(Cuda, ProductsThatSumInOnePieceDoNotSeeTheirRows) {
  constexpr std::size_t most_keys = 6;
  for (const Dtype dtype : {Dtype::bf16, Dtype::fp16})
    for (const auto& [n, k] :
         std::vector<std::pair<std::int64_t, std::int64_t>>{{1024, 1024}, {3072, 1024}, {1024, 4096}, {8000, 512}}) {
      const auto product = [&, n = n, k = k](std::int64_t m) {
        return measure::ProductKernel{.gemm = {1, m, n, k, dtype, op::Layout::nt, op::Epilogue::none}};
      };
      constexpr std::int64_t rows = 256;
      const Data a = random(element(dtype), rows * k, 1);
      const Data b = random(element(dtype), n * k, 2);
      std::vector<std::string> keys = whole_keys(*backend_, product(rows).gemm);
      EXPECT_FALSE(keys.empty()) << n << "x" << k;
      if (keys.size() > most_keys) keys.resize(most_keys);
      for (const std::string& key : keys) {
        const Values all =
            run_kernel(*backend_, product(rows), {a, b, random(element(dtype), rows * n, 3)}, 2, key.c_str());
        for (const std::int64_t m : {1, 3, 16, 77}) {
          measure::Plan* plan = nullptr;
          const bool runs = backend_->plan(product(m).gemm, key.c_str(), &plan).ok();
          delete plan;
          if (!runs) continue;
          const std::int64_t first = 100;
          const Data some{a.element, Values(a.values.begin() + first * k, a.values.begin() + (first + m) * k)};
          const Values found =
              run_kernel(*backend_, product(m), {some, b, random(element(dtype), m * n, 3)}, 2, key.c_str());
          EXPECT_TRUE(std::equal(found.begin(), found.end(), all.begin() + first * n))
              << shape::name(dtype) << " " << m << "x" << n << "x" << k << " with " << key;
        }
      }
    }
}

}  // namespace
}  // namespace gemmetry::backends
