#include "gemmetry/predict/tile_menu.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gemmetry/predict/lanes.h"
#include "predict/made_up.h"

namespace gemmetry::predict {
namespace {

TEST(Lanes, RoundsQuotientsThatShouldBeWhole) {
  for (const int divisor : {8, 24, 48, 96, 132, 144, 192, 320})
    for (const int quotient : {1, 2, 3, 7, 100, 1021, 4096}) {
      const float per = 1.0F / static_cast<float>(divisor);
      const auto at = [&](int beyond) { return all(static_cast<float>(divisor * quotient + beyond) * per); };
      EXPECT_EQ(ceil_of(at(0))[0], static_cast<float>(quotient)) << divisor;
      EXPECT_EQ(ceil_of(at(1))[1], static_cast<float>(quotient + 1)) << divisor;
      EXPECT_EQ(floor_of(at(0))[2], static_cast<float>(quotient)) << divisor;
      EXPECT_EQ(floor_of(at(-1))[3], static_cast<float>(quotient - 1)) << divisor;
    }
  EXPECT_EQ(ceil_of(all(0))[0], 0.0F);
  EXPECT_NEAR(ceil_of(all(1e20F))[0], 1e20F, 1e15F);
}

TileMenu menu(Menu kind, gpu::GemmCoefficients coefficients = test::round_calibration().gemm) {
  return TileMenu(kind, coefficients, 100, 1e15, 1e15, 64);
}

TEST(TileMenu, StepIsTheSlowestOfItsParts) {
  gpu::GemmCoefficients c = test::round_calibration().gemm;
  c.tensor_efficiency = 0.5;
  c.tile_overhead = 128;
  c.l2_bytes_per_flop = 0.01;
  const Tile tile = menu(Menu::classic, c)[0];
  ASSERT_EQ(tile.m, 256);
  ASSERT_EQ(tile.n, 128);
  // 2 x 256 x 128 x 64 FLOP at 5 TFLOP/s, times 1 + 128 (1/256 + 1/128).
  EXPECT_NEAR(tile.tensor_s, 4194304 / 5e12 * 2.5, 1e-12);
  // 384 rows of 128 bytes at 0.01 x 10 T bytes/s.
  EXPECT_NEAR(tile.l2_s, 384 * 128 / 1e11, 1e-13);
  EXPECT_EQ(tile.step_s, tile.tensor_s);
}

TEST(TileMenu, OneFullWaveBeatsTwoWhenWavesCost) {
  gpu::GemmCoefficients c = test::round_calibration().gemm;
  c.wave_s = 1e-6;
  const TileMenu tiles = menu(Menu::classic, c);
  const TileChoice choice = tiles.choose({1, 2560, 1280, 10, 0, 1, 0});  // 10 x 10 tiles of 256x128 on 100 SMs
  EXPECT_EQ(tiles[choice.tile].m, 256);
  EXPECT_EQ(tiles[choice.tile].n, 128);
  EXPECT_FALSE(choice.split);
}

TEST(TileMenu, SmallTilesServeWhatLargeOnesWouldWaste) {
  const TileMenu tiles = menu(Menu::dense);
  const TileChoice choice = tiles.choose({1, 8, 12800, 64, 0, 1, 0});
  const Tile& tile = tiles[choice.tile];
  EXPECT_TRUE(choice.swapped);  // the wide side of the tile along n
  EXPECT_EQ(tile.n, 8);
}

TEST(TileMenu, SplitsKWhenTilesLeaveSmsIdle) {
  gpu::GemmCoefficients c = test::round_calibration().gemm;
  c.step_latency_s = 1e-6;
  const TileMenu tiles = menu(Menu::dense, c);
  const TileChoice costly = tiles.choose({1, 64, 64, 1000, 0, 1, 0});
  EXPECT_FALSE(costly.split);
  const TileChoice cheap = tiles.choose({1, 64, 64, 1000, 0, 1e-6, 1e-8});
  EXPECT_TRUE(cheap.split);
}

TEST(TileMenu, PartsFillOneWaveOfAtLeastTwoSteps) {
  EXPECT_EQ(split_parts(10, 1000, 100), 10);
  EXPECT_EQ(split_parts(30, 1000, 100), 3);
  EXPECT_EQ(split_parts(1, 8, 100), 4);
  EXPECT_EQ(split_parts(1, 1000, 100), 64);
  EXPECT_EQ(split_parts(1000, 1000, 100), 1);
}

TEST(TileMenu, ChoosesTheLeastOfAllTiles) {
  // The four-at-a-time choice against the plain formula, tile by tile.
  gpu::GemmCoefficients c = test::round_calibration().gemm;
  c.l2_bytes_per_flop = 0.015;
  c.wave_s = 1e-6;
  c.step_latency_s = 1e-7;
  c.resident_tiles = 0.6;
  for (const Menu kind : {Menu::dense, Menu::classic})
    for (const double m : {1.0, 100.0, 512.0, 1000.0, 8192.0})
      for (const double n : {64.0, 3000.0, 12288.0})
        for (const double steps : {1.0, 13.0, 200.0}) {
          const TileMenu tiles = menu(kind, c);
          const TileQuery query{1, m, n, steps, 3, 2e-6, 1e-8};
          const auto time = [&](const Tile& tile, bool swapped, bool split) {
            const double count = std::ceil((swapped ? n : m) / static_cast<double>(tile.m)) *
                                 std::ceil((swapped ? m : n) / static_cast<double>(tile.n));
            if (split) {
              const double parts = split_parts(count, steps, 100);
              return parts < 2 ? 1.0 : (3 + std::ceil(steps / parts)) * tile.latency_s + 2e-6 + parts * 1e-8;
            }
            const double rounds = std::ceil(count / 100);
            return 3 * tile.latency_s + (rounds - 1) * tile.wave_s +
                   steps * std::max(rounds * tile.step_s, std::ceil(rounds / tile.resident) * tile.latency_s);
          };
          double least = 1;
          for (std::size_t i = 0; i < tiles.size(); ++i)
            for (const bool swapped : {false, true})
              for (const bool split : {false, true})
                if (!swapped || kind == Menu::dense) least = std::min(least, time(tiles[i], swapped, split));
          const TileChoice choice = tiles.choose(query);
          EXPECT_NEAR(time(tiles[choice.tile], choice.swapped, choice.split) / least, 1, 1e-5)
              << m << " " << n << " " << steps;
        }
}

TEST(TileMenu, MenusByGeneration) {
  EXPECT_EQ(menu_of(gpu::Generation::hopper, true), Menu::dense);
  EXPECT_EQ(menu_of(gpu::Generation::hopper, false), Menu::classic);
  EXPECT_EQ(menu_of(gpu::Generation::blackwell, true), Menu::dense);
  EXPECT_EQ(menu_of(gpu::Generation::ampere, true), Menu::classic);
  EXPECT_EQ(menu_of(gpu::Generation::cdna3, true), Menu::classic);
  EXPECT_GT(menu(Menu::dense).size(), 70U);
}

}  // namespace
}  // namespace gemmetry::predict
