#include <gtest/gtest.h>

#include "cli/measuring.h"

namespace gemmetry::cli {
namespace {

TEST(Backends, ListsTheCpuAndWhyThereIsNoGpu) {
  const Result result = gemmetry("backends --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json devices = result.json().at("devices");
  ASSERT_GE(devices.size(), 2u);
  EXPECT_EQ(devices[0].at("device"), "cpu");
  EXPECT_GT(devices[0].at("memory_bytes"), 0);
  EXPECT_TRUE(devices[1].contains("reason") || devices[1].at("device") == "cuda:0") << devices[1];
}

}  // namespace
}  // namespace gemmetry::cli
