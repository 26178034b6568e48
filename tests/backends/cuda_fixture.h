#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <string>

#include "gemmetry/backends/open.h"
#include "gemmetry/measure/record.h"
#include "gemmetry/measure/verify.h"

namespace gemmetry::backends {

/// The build folder, unless the test was carried to another machine.
inline std::string backend_folder() {
  const char* said = std::getenv("GEMMETRY_BACKEND_FOLDER");
  return said ? said : GEMMETRY_BINARY_DIR;
}

/// The first CUDA device; without one each test is skipped and says why.
class Cuda : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    try {
      backend_ = open_device("cuda", backend_folder());
    } catch (const Error& problem) {
      why_not_ = problem.what();
    }
  }
  static void TearDownTestSuite() { backend_.reset(); }
  void SetUp() override {
    if (!backend_) GTEST_SKIP() << why_not_;
  }

  /// Fresh data in every run; the seed is told when it fails.
  static void expect_right(const op::Operator& op, bool may_be_unsupported = false) {
    static std::random_device fresh;
    const std::uint64_t seed = fresh();
    const measure::Verdict verdict = measure::verify(*backend_, op, nullptr, seed);
    if (may_be_unsupported && verdict.code == measure::StatusCode::unsupported) {
      EXPECT_FALSE(verdict.message.empty());
      return;
    }
    EXPECT_EQ(verdict.code, measure::StatusCode::ok) << measure::text_of(op) << ": " << verdict.message;
    EXPECT_TRUE(verdict.right) << measure::text_of(op) << " seed " << seed << ": " << verdict.message;
  }

  static inline std::unique_ptr<measure::Backend> backend_;
  static inline std::string why_not_;
};

}  // namespace gemmetry::backends
