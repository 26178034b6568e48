#include "gemmetry/predict/tile_menu.h"

#include <algorithm>
#include <array>
#include <cmath>

// The tiles a library can cut a product into, and which of them it is taken to choose.
//
// Predicts: the time the busiest SM spends, for each tile; the tile with the least is taken to be the library's choice.
// Formula:  ramp x latency + steps x max(tiles_per_sm x step, ceil(tiles_per_sm / resident) x latency)
//           + (tiles_per_sm - 1) x wave, with tiles_per_sm = ceil(tiles / SMs);
//           with k split in s = floor(SMs / tiles) parts: (ramp + ceil(steps / s)) x latency + split + s x part.
//           step = max(2 m n k_step / (efficiency x peak per SM) x (1 + overhead (1/m + 1/n)),
//                      (m + n) 128 bytes / L2 bandwidth of an SM).
// Range:    any size; sizes over 2^20 choose as 2^20 does.
// Ignores:  clusters, the order of tiles, heuristics that choose another tile than the fastest.
// Source:   NVIDIA's matrix multiplication guide; nvjet's tiles from kernel names in public traces.

namespace gemmetry::predict {
namespace {

constexpr double largest_size = 1 << 20;
constexpr double largest_split = 64;
constexpr double step_bytes = 128;
constexpr std::int64_t full_tile = 128 * 256;  // the unit of GemmCoefficients::resident_tiles
constexpr double most_resident = 4;
constexpr int swapped_bit = 1;
constexpr int split_bit = 2;

struct Extent {
  std::int64_t m;
  std::int64_t n;
};

/// Rows of nvjet tiles, and their columns up to what a pair of warp groups can hold.
std::vector<Extent> dense_tiles() {
  constexpr std::int64_t rows[] = {64, 128, 192, 256, 320};
  constexpr std::int64_t columns[] = {8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256};
  constexpr std::int64_t largest_tile = 40960;
  std::vector<Extent> tiles;
  for (const std::int64_t m : rows)
    for (const std::int64_t n : columns)
      if (m * n <= largest_tile) tiles.push_back({m, n});
  return tiles;
}

double most_parts(double steps) { return std::clamp(std::floor(steps / 2), 1.0, largest_split); }

std::vector<Extent> classic_tiles() {
  return {{256, 128}, {128, 256}, {256, 64}, {64, 256}, {128, 128}, {128, 64}, {64, 128}, {64, 64}, {256, 32},
          {32, 256},  {128, 32},  {32, 128}, {64, 32},  {32, 64},   {32, 32},  {16, 128}, {16, 64}};
}

}  // namespace

Menu menu_of(gpu::Generation generation, bool aligned) {
  const bool dense = generation == gpu::Generation::hopper || generation == gpu::Generation::blackwell;
  return dense && aligned ? Menu::dense : Menu::classic;
}

double split_parts(double tiles, double steps, double sms) {
  return std::clamp(std::floor(sms / tiles), 1.0, most_parts(steps));
}

TileMenu::TileMenu(Menu menu, const gpu::GemmCoefficients& coefficients, double sms, double tensor_flops,
                   double reference_flops, double step_elements)
    : sms_(sms), both_ways_(menu == Menu::dense) {
  const double l2_bytes_per_s = coefficients.l2_bytes_per_flop * reference_flops / sms;
  for (const Extent& tile : menu == Menu::dense ? dense_tiles() : classic_tiles())
    add(tile.m, tile.n, coefficients, coefficients.tensor_efficiency * tensor_flops / sms, l2_bytes_per_s,
        step_elements);
  group();
}

void TileMenu::add(std::int64_t m, std::int64_t n, const gpu::GemmCoefficients& c, double tensor_flops_per_sm,
                   double l2_bytes_per_s, double step_elements) {
  const double rows = static_cast<double>(m);
  const double columns = static_cast<double>(n);
  const double area = rows * columns;
  Tile tile;
  tile.m = m;
  tile.n = n;
  tile.tensor_s = 2 * area * step_elements / tensor_flops_per_sm * (1 + c.tile_overhead * (1 / rows + 1 / columns));
  tile.l2_s = (rows + columns) * step_bytes / l2_bytes_per_s;
  tile.step_s = std::max(tile.tensor_s, tile.l2_s);
  tile.latency_s = std::max(tile.step_s, c.step_latency_s + (rows + columns) * c.step_latency_per_row_s);
  tile.resident = std::clamp(std::floor(c.resident_tiles * full_tile / area), 1.0, most_resident);
  tile.wave_s = (c.wave_s + area * c.wave_per_element_s) / tile.resident;
  tiles_.push_back(tile);
}

void TileMenu::group() {
  for (std::size_t first = 0; first < tiles_.size(); first += lanes) {
    Group group;
    for (int lane = 0; lane < lanes; ++lane) {
      const Tile& tile = tiles_[std::min(first + static_cast<std::size_t>(lane), tiles_.size() - 1)];
      group.per_m[lane] = 1.0F / static_cast<float>(tile.m);
      group.per_n[lane] = 1.0F / static_cast<float>(tile.n);
      group.step_s[lane] = static_cast<float>(tile.step_s);
      group.latency_s[lane] = static_cast<float>(tile.latency_s);
      group.wave_s[lane] = static_cast<float>(tile.wave_s);
      group.per_resident[lane] = 1.0F / static_cast<float>(tile.resident);
    }
    groups_.push_back(group);
  }
  for (const Tile& tile : tiles_) {
    longest_side_ = std::max({longest_side_, static_cast<double>(tile.m), static_cast<double>(tile.n)});
    resident_ = resident_ || tile.resident > 1;
  }
}

/// The best of the tiles offered so far, in each lane.
struct TileMenu::Best {
  Lanes time = all(3e38F);
  LaneIndex group{};
  LaneIndex kind{};

  void offer(const Lanes& other, int index, int other_kind) {
    const LaneIndex better = other < time;
    time = better ? other : time;
    group = better ? LaneIndex{index, index, index, index} : group;
    kind = better ? LaneIndex{other_kind, other_kind, other_kind, other_kind} : kind;
  }
};

template <bool resident, bool split>
void TileMenu::offer_all(const TileQuery& query, bool swapped, Best& best) const {
  const auto limited = [](double x) { return all(static_cast<float>(std::min(x, largest_size))); };
  const auto constant = [](double x) { return all(static_cast<float>(x)); };
  const Lanes batch = limited(query.batch);
  const Lanes m = limited(swapped ? query.n : query.m);
  const Lanes n = limited(swapped ? query.m : query.n);
  const Lanes steps = limited(query.steps);
  const Lanes ramp = constant(query.ramp_steps);
  const Lanes sms = constant(sms_);
  const Lanes per_sms = constant(1 / sms_);
  const Lanes split_s = constant(query.split_s);
  const Lanes split_part_s = constant(query.split_part_s);
  const Lanes parts_limit = constant(most_parts(query.steps));

  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const Group& tile = groups_[i];
    const int index = static_cast<int>(i);
    const Lanes tiles = batch * ceil_of(m * tile.per_m) * ceil_of(n * tile.per_n);
    const Lanes rounds = ceil_of(tiles * per_sms);
    Lanes loop = rounds * tile.latency_s;
    if constexpr (resident) loop = largest(rounds * tile.step_s, ceil_of(rounds * tile.per_resident) * tile.latency_s);
    best.offer(ramp * tile.latency_s + steps * loop + (rounds - all(1)) * tile.wave_s, index,
               swapped ? swapped_bit : 0);
    if constexpr (split) {
      const Lanes parts = least(parts_limit, floor_of(sms / tiles));
      const Lanes in_part = ceil_of(steps / largest(parts, all(1)));
      const Lanes time = (ramp + in_part) * tile.latency_s + split_s + parts * split_part_s;
      best.offer(parts > all(1.5F) ? time : all(3e38F), index, split_bit | (swapped ? swapped_bit : 0));
    }
  }
}

TileChoice TileMenu::choose(const TileQuery& query) const {
  // Even the largest tiles are too many to split k when they are more than half the SMs.
  const double fewest = query.batch * std::ceil(std::min(query.m, query.n) / longest_side_) *
                        std::ceil(std::max(query.m, query.n) / longest_side_);
  const bool split = 2 * fewest <= sms_;
  Best best;
  for (const bool swapped : {false, true}) {
    if (swapped && !both_ways_) break;
    if (resident_)
      split ? offer_all<true, true>(query, swapped, best) : offer_all<true, false>(query, swapped, best);
    else
      split ? offer_all<false, true>(query, swapped, best) : offer_all<false, false>(query, swapped, best);
  }
  int lane = 0;
  for (int other = 1; other < lanes; ++other)
    if (best.time[other] < best.time[lane]) lane = other;
  const auto tile = static_cast<std::size_t>(best.group[lane] * lanes + lane);
  return {std::min(tile, tiles_.size() - 1), (best.kind[lane] & swapped_bit) != 0, (best.kind[lane] & split_bit) != 0};
}

}  // namespace gemmetry::predict
