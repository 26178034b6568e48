#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "backends/kernel_call.h"
#include "gemmetry/backends/cpu/cpu_backend.h"
#include "gemmetry/measure/tolerance.h"

namespace gemmetry::backends {

inline constexpr shape::Dtype floats[] = {shape::Dtype::bf16, shape::Dtype::fp16, shape::Dtype::fp32};

/// Each backend rounds a result of its own sums: they differ by a unit of the last place, and by the sums' `error`.
inline void expect_close(Element element, const Values& found, const Values& expected, double error,
                         const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  std::size_t wrong = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double magnitude = std::max(std::abs(found[i]), std::abs(expected[i]));
    const double allowed = 2.02 * measure::half_ulp(element, magnitude) + error;
    if (std::abs(found[i] - expected[i]) <= allowed) continue;
    if (wrong++ == 0) first = i;
  }
  EXPECT_EQ(wrong, 0u) << what << ": of " << found.size() << ", the first at " << first << ": " << found[first]
                       << " in place of " << expected[first];
}

/// The operand `result` is the same on both.
inline void expect_same(measure::Backend& cuda, const measure::Kernel& kernel, const std::vector<Data>& operands,
                        std::size_t result, double error, const std::string& what, const char* key = nullptr) {
  cpu::CpuBackend cpu;
  expect_close(operands[result].element, run_kernel(cuda, kernel, operands, result, key),
               run_kernel(cpu, kernel, operands, result), error, what);
}

inline Element element(shape::Dtype dtype) { return measure::element_of(dtype); }

}  // namespace gemmetry::backends
