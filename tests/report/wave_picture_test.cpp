#include "gemmetry/report/wave_picture.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "gemmetry/report/text.h"

namespace gemmetry::report {
namespace {

std::size_t times(const std::string& text, const std::string& mark) {
  std::size_t count = 0;
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + mark.size())) ++count;
  return count;
}

TEST(WavePicture, DrawsAMarkForEachSm) {
  // 7 SMs, 10 tiles: a full wave and one of three tiles.
  EXPECT_EQ(wave_picture({.sms = 7, .tiles = 10, .waves = 2, .last_wave_use = 3.0 / 7}),
            "wave 1       ■■■■■■■  7 of 7 SMs\n"
            "wave 2       ■■■····  3 of 7 SMs\n");
}

TEST(WavePicture, DrawsEqualWavesOnce) {
  const std::string text = wave_picture({.sms = 132, .tiles = 132 * 40 + 66, .waves = 41, .last_wave_use = 0.5});
  EXPECT_NE(text.find("waves 1-40"), std::string::npos);
  EXPECT_NE(text.find("wave 41"), std::string::npos);
  EXPECT_EQ(times(text, "■"), 132u + 66u);
  EXPECT_EQ(times(text, "·"), 66u);
}

TEST(WavePicture, HasNoTailWhenTheLastWaveIsFull) {
  const std::string text = wave_picture({.sms = 4, .tiles = 8, .waves = 2, .last_wave_use = 1});
  EXPECT_EQ(text, "waves 1-2    ■■■■  4 of 4 SMs\n");
}

TEST(WavePicture, ShowsAtLeastOneBusySm) {
  const std::string text = wave_picture({.sms = 100, .tiles = 1, .waves = 1, .last_wave_use = 0.001});
  EXPECT_EQ(times(text, "■"), 1u);
}

TEST(WavePicture, FitsAHundredColumnsOnAnyGpu) {
  for (const std::int64_t sms : {1, 40, 108, 132, 148, 304, 5000}) {
    const std::string text = wave_picture({.sms = sms, .tiles = sms + 1, .waves = 2, .last_wave_use = 0.3});
    for (std::size_t start = 0; start < text.size();) {
      const std::size_t end = text.find('\n', start);
      EXPECT_LE(display_width(text.substr(start, end - start)), 100u) << sms;
      start = end + 1;
    }
    EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 16) << sms;
  }
}

TEST(WavePicture, IsEmptyWithoutTiles) { EXPECT_EQ(wave_picture({.sms = 132, .tiles = 0, .waves = 0}), ""); }

}  // namespace
}  // namespace gemmetry::report
