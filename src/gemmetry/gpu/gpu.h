#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/shape/dtype.h"

namespace gemmetry::gpu {

/// Families of GPUs whose matrix-product kernels behave alike.
enum class Generation { volta, ampere, ada, hopper, blackwell, cdna2, cdna3 };

/// What is left of the tensor throughput when the operands' leading dimensions are only multiples of `elements`.
struct AlignmentClass {
  std::int64_t elements = 1;  ///< the largest power of two that divides, from here up to the next class
  double efficiency = 1;      ///< fraction of the fully aligned throughput
};

/// The two ceilings a GPU has (see measuring): a short run after idle, and full load until the clock is flat.
enum class Clocks { sustained, burst };

/// What the hardware is. Every number carries its source in `sources` under its key in the catalogue file; an absent
/// optional is unknown, and what needs it says so.
struct Gpu {
  std::string name;   ///< "h200"
  std::string title;  ///< "NVIDIA H200 SXM 141 GB"
  Generation generation = Generation::hopper;

  std::int64_t sms = 0;  ///< streaming multiprocessors, or compute units of one AMD die
  double boost_clock_hz = 0;
  /// Dense tensor-core FLOP/s at the boost clock, by dtype; absent: the hardware has no such unit.
  std::map<shape::Dtype, double> tensor_flops;
  double vector_flops = 0;  ///< fp32 FLOP/s outside the tensor cores
  double bandwidth = 0;     ///< device memory, bytes/s
  double memory_bytes = 0;
  double l2_bytes = 0;
  std::optional<double> power_limit_w;
  double launch_stream_s = 0;  ///< least time between two dependent kernels launched on a stream by a host
  double launch_graph_s = 0;   ///< the same inside a captured graph
  /// Sustained over burst throughput of compute-bound products (power-limited clock); absent: unknown, 1 is used.
  std::optional<double> sustained_fraction;

  /// Alignment classes by size of an element in bytes (1, 2, 4), ascending; the last has efficiency 1.
  std::map<std::int64_t, std::vector<AlignmentClass>> alignment;

  /// Bandwidth of the GPU's own links to its peers in a node, bytes/s, one direction, all links together; absent: PCIe
  /// only.
  std::optional<double> link_bandwidth;
  std::string link;  ///< "NVLink 4"

  std::map<std::string, std::string> sources;  ///< fact -> where it is from
};

std::string_view name(Generation generation);
std::string_view name(Clocks clocks);

/// Tensor FLOP/s of `dtype`, or of the vector units where there is no tensor unit for it (fp32 on all, bf16 on V100:
/// none). Error naming GPU and dtype when the GPU cannot multiply that dtype.
double peak_flops(const Gpu& gpu, shape::Dtype dtype);

/// The class of a dimension that `power_of_two` (the largest power of two dividing it) describes.
AlignmentClass alignment_class(const Gpu& gpu, shape::Dtype dtype, std::int64_t power_of_two);

/// The smallest power of two from which more alignment gains nothing: this GPU's own threshold, in elements.
std::int64_t alignment_threshold(const Gpu& gpu, shape::Dtype dtype);

}  // namespace gemmetry::gpu
