#include "gemmetry/backends/device_name.h"

#include <gtest/gtest.h>

#include "gemmetry/base/error.h"

namespace gemmetry::backends {
namespace {

TEST(DeviceName, ReadsWhatItWrites) {
  for (const char* text : {"cpu", "cuda", "cuda:0", "cuda:3", "recorded:h200", "predict:a100-80gb"})
    EXPECT_EQ(name(DeviceName::from(text)), text);
  EXPECT_EQ(DeviceName::from("cuda:3").index, 3);
  EXPECT_EQ(DeviceName::from("recorded:h200").gpu, "h200");
  EXPECT_FALSE(DeviceName::from("recorded:h200").runs());
  EXPECT_TRUE(DeviceName::from("cuda").runs());
}

TEST(DeviceName, RefusesOthers) {
  for (const char* text : {"", "cpu:0", "cuda:", "cuda:x", "cuda:-1", "recorded", "recorded:", "predict:", "h200"})
    EXPECT_THROW(DeviceName::from(text), Error) << text;
}

}  // namespace
}  // namespace gemmetry::backends
