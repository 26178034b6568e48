#pragma once

#include <cstdint>
#include <vector>

#include "gemmetry/gpu/calibration.h"
#include "gemmetry/gpu/gpu.h"
#include "gemmetry/predict/lanes.h"

namespace gemmetry::predict {

/// Which tiles a library brings.
enum class Menu {
  dense,    ///< Hopper and later: widths in steps of 8 or 16, both orientations (cuBLAS's nvjet kernels)
  classic,  ///< the powers of two from 16 to 256 that cuBLAS has for Volta and Ampere, and rocBLAS much alike
};

/// The menu a generation's libraries have for operands that its best kernels take, and for those they refuse.
Menu menu_of(gpu::Generation generation, bool aligned);

/// One output tile and what it takes a thread block, in seconds.
struct Tile {
  std::int64_t m = 0;
  std::int64_t n = 0;
  double step_s = 0;     ///< one step (128 bytes of k) when the SM is full: the largest of the next two
  double tensor_s = 0;   ///< its multiplications
  double l2_s = 0;       ///< its operands from L2
  double latency_s = 0;  ///< one step of a thread block alone on an SM
  double wave_s = 0;     ///< writing the tile and starting the next
  double resident = 1;   ///< thread blocks an SM holds
};

/// What the choice of a tile depends on, beside the tile.
struct TileQuery {
  double batch = 1;
  double m = 1;
  double n = 1;
  double steps = 1;  ///< of 128 bytes of k
  double ramp_steps = 0;
  double split_s = 0;       ///< combining a split k, whatever the parts
  double split_part_s = 0;  ///< and for each part
};

struct TileChoice {
  std::size_t tile = 0;
  bool swapped = false;  ///< the tile's m runs along the product's n
  bool split = false;    ///< k is split in as many parts as fill one wave
};

/// The tiles that serve one dtype at one alignment on one GPU, and the choice among them.
class TileMenu {
 public:
  /// `tensor_flops`: of the whole GPU, at the clock and alignment that hold; `step_elements`: elements in 128 bytes.
  TileMenu(Menu menu, const gpu::GemmCoefficients& coefficients, double sms, double tensor_flops,
           double reference_flops, double step_elements);

  /// The tile with the least time on the SMs (docs/models/gemm.md).
  TileChoice choose(const TileQuery& query) const;

  const Tile& operator[](std::size_t i) const { return tiles_[i]; }
  std::size_t size() const { return tiles_.size(); }

 private:
  /// Four tiles side by side.
  struct Group {
    Lanes per_m, per_n, step_s, latency_s, wave_s, per_resident;
  };

  void add(std::int64_t m, std::int64_t n, const gpu::GemmCoefficients& coefficients, double tensor_flops_per_sm,
           double l2_bytes_per_s, double step_elements);
  void group();

  struct Best;
  template <bool resident, bool split>
  void offer_all(const TileQuery& query, bool swapped, Best& best) const;

  double sms_;
  bool both_ways_;           ///< tiles also run across the product
  bool resident_ = false;    ///< an SM holds several thread blocks of some tiles
  double longest_side_ = 0;  ///< of any tile
  std::vector<Tile> tiles_;
  std::vector<Group> groups_;
};

/// Parts that k is split in: as many as fill one wave with `tiles` tiles, each of at least two steps, at most 64.
double split_parts(double tiles, double steps, double sms);

}  // namespace gemmetry::predict
