#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/gpu/gpu.h"
#include "gemmetry/gpu/log_error.h"
#include "gemmetry/gpu/residual.h"

namespace gemmetry::gpu {

/// One row of a coefficient table: a calibration file's keys, a fit's parameters and their order all come from it.
template <class Group>
struct Coefficient {
  std::string_view name;
  double Group::*member;
  double low = 0;  ///< what a file may hold
  double high = 1e6;
};

/// How a family of matrix-product kernels behaves (docs/models/gemm.md has the formula).
struct GemmCoefficients {
  double tensor_efficiency = 1;  ///< share of the datasheet's throughput that the main loop of an endless tile reaches
  double tile_overhead = 0;      ///< elements: a tile's loop takes 1 + overhead (1/tile_m + 1/tile_n) times as long
  double l2_bytes_per_flop = 1;  ///< what an SM reads from L2 while it could do one FLOP at its 16-bit peak
  double step_latency_s = 0;     ///< least time of one step, 128 bytes of k, in one thread block
  double step_latency_per_row_s = 0;  ///< added to it for each row of the two operand tiles
  double resident_tiles = 1;          ///< tiles of 128x256 whose thread blocks fit an SM together
  double prologue_s = 0;              ///< before the first step
  double ramp_steps = 0;              ///< steps until the loop is in full flow
  double wave_s = 0;                  ///< between two waves: writing a tile and starting the next
  double wave_per_element_s = 0;      ///< added to it for each element of the tile
  double split_s = 0;                 ///< combining the parts of a split k
  double split_speedup = 1;           ///< bandwidth of that over the device memory's
  double memory_efficiency = 1;       ///< share of the datasheet's bandwidth that long reads reach
  double memory_latency_s = 0;        ///< before the first bytes arrive
  double l2_speedup = 1;              ///< bandwidth of bytes found in L2 over the device memory's
  double resident_a = 0;              ///< share of L2 below which a stays there from one run to the next
  double resident_b = 0;              ///< the same of b (weights: copies alternate in the tables it was fitted to)
  double resident_c = 0;              ///< the same of c

  static constexpr auto fields() {
    using G = GemmCoefficients;
    return std::to_array<Coefficient<G>>({
        {"tensor_efficiency", &G::tensor_efficiency, 0.01, 2},
        {"tile_overhead", &G::tile_overhead, 0, 1e3},
        {"l2_bytes_per_flop", &G::l2_bytes_per_flop, 1e-4, 10},
        {"step_latency_s", &G::step_latency_s, 0, 1e-4},
        {"step_latency_per_row_s", &G::step_latency_per_row_s, 0, 1e-6},
        {"resident_tiles", &G::resident_tiles, 0.01, 64},
        {"prologue_s", &G::prologue_s, 0, 1e-3},
        {"ramp_steps", &G::ramp_steps, 0, 1e3},
        {"wave_s", &G::wave_s, 0, 1e-3},
        {"wave_per_element_s", &G::wave_per_element_s, 0, 1e-6},
        {"split_s", &G::split_s, 0, 1e-3},
        {"split_speedup", &G::split_speedup, 0.01, 100},
        {"memory_efficiency", &G::memory_efficiency, 0.01, 1},
        {"memory_latency_s", &G::memory_latency_s, 0, 1e-3},
        {"l2_speedup", &G::l2_speedup, 0.1, 100},
        {"resident_a", &G::resident_a, 0.001, 2},
        {"resident_b", &G::resident_b, 0.001, 2},
        {"resident_c", &G::resident_c, 0.001, 2},
    });
  }
};

/// Fused attention over many queries (docs/models/attention.md). A block is 128 queries against 128 keys of one head.
struct AttentionCoefficients {
  double tensor_efficiency = 1;    ///< share of the datasheet's throughput of the two products of a block
  double softmax_block_s = 0;      ///< added for a block's softmax that the products do not hide, on one SM
  double query_tile_s = 0;         ///< once for each 128 queries of a head, on one SM
  double backward_efficiency = 1;  ///< throughput of the backward pass over the forward's
  double memory_efficiency = 1;    ///< share of the datasheet's bandwidth

  static constexpr auto fields() {
    using A = AttentionCoefficients;
    return std::to_array<Coefficient<A>>({
        {"tensor_efficiency", &A::tensor_efficiency, 0.01, 2},
        {"softmax_block_s", &A::softmax_block_s, 0, 1e-3},
        {"query_tile_s", &A::query_tile_s, 0, 1e-3},
        {"backward_efficiency", &A::backward_efficiency, 0.01, 2},
        {"memory_efficiency", &A::memory_efficiency, 0.01, 1},
    });
  }
};

/// Fused attention of a few queries over a cache that is split over the SMs (docs/models/attention.md).
struct DecodeCoefficients {
  double start_s = 0;            ///< of any such kernel
  double split_s = 0;            ///< added when a cache of 1024 keys or more is split and combined, less below
  double split_keys = 1;         ///< fewest keys a part has
  double unit_s = 0;             ///< of one sequence's KV head on one SM, whatever its keys
  double busy_units = 1;         ///< parts per SM from which the memory is busy
  double memory_efficiency = 1;  ///< share of the datasheet's bandwidth

  static constexpr auto fields() {
    using D = DecodeCoefficients;
    return std::to_array<Coefficient<D>>({
        {"start_s", &D::start_s, 0, 1e-3},
        {"split_s", &D::split_s, 0, 1e-3},
        {"split_keys", &D::split_keys, 1, 1e6},
        {"unit_s", &D::unit_s, 0, 1e-3},
        {"busy_units", &D::busy_units, 0.001, 100},
        {"memory_efficiency", &D::memory_efficiency, 0.01, 1},
    });
  }
};

/// Kernels whose time is the memory they move (docs/models/pointwise.md), by kind: the share of the datasheet's
/// bandwidth that long ones reach, and what comes before the first byte beside the launch.
struct PointwiseCoefficients {
  double streaming = 1;  ///< elementwise kernels, one pass
  double streaming_start_s = 0;
  double rotary = 1;  ///< rotary positions
  double rotary_start_s = 0;
  double optimizer = 1;  ///< the optimizer's update
  double optimizer_start_s = 0;
  double norm = 1;  ///< norms: rows are reduced on the way
  double norm_start_s = 0;
  double norm_backward = 1;  ///< their gradients: the weights' sums follow in a kernel of their own
  double norm_backward_start_s = 0;
  double softmax = 1;  ///< of scores
  double softmax_start_s = 0;
  double softmax_backward = 1;
  double softmax_backward_start_s = 0;
  double loss = 1;  ///< cross-entropy
  double loss_start_s = 0;
  double loss_backward = 1;
  double loss_backward_start_s = 0;
  double embedding = 1;  ///< rows read at random places
  double embedding_start_s = 0;
  double embedding_backward = 1;  ///< rows added to at random places
  double embedding_backward_start_s = 0;

  static constexpr auto fields() {
    using P = PointwiseCoefficients;
    return std::to_array<Coefficient<P>>({
        {"streaming", &P::streaming, 0.01, 1},
        {"streaming_start_s", &P::streaming_start_s, 0, 1e-3},
        {"rotary", &P::rotary, 0.01, 1},
        {"rotary_start_s", &P::rotary_start_s, 0, 1e-3},
        {"optimizer", &P::optimizer, 0.01, 1},
        {"optimizer_start_s", &P::optimizer_start_s, 0, 1e-3},
        {"norm", &P::norm, 0.01, 1},
        {"norm_start_s", &P::norm_start_s, 0, 1e-3},
        {"norm_backward", &P::norm_backward, 0.01, 1},
        {"norm_backward_start_s", &P::norm_backward_start_s, 0, 1e-3},
        {"softmax", &P::softmax, 0.01, 1},
        {"softmax_start_s", &P::softmax_start_s, 0, 1e-3},
        {"softmax_backward", &P::softmax_backward, 0.01, 1},
        {"softmax_backward_start_s", &P::softmax_backward_start_s, 0, 1e-3},
        {"loss", &P::loss, 0.01, 1},
        {"loss_start_s", &P::loss_start_s, 0, 1e-3},
        {"loss_backward", &P::loss_backward, 0.01, 1},
        {"loss_backward_start_s", &P::loss_backward_start_s, 0, 1e-3},
        {"embedding", &P::embedding, 0.01, 1},
        {"embedding_start_s", &P::embedding_start_s, 0, 1e-3},
        {"embedding_backward", &P::embedding_backward, 0.01, 1},
        {"embedding_backward_start_s", &P::embedding_backward_start_s, 0, 1e-3},
    });
  }
};

/// Kernels of a decoding step in one chain (docs/models/decoding.md).
struct ChainCoefficients {
  double first_start_s = 0;         ///< of the step: its first kernel's
  double row_start_s = 0;           ///< of a kernel that goes through rows
  double norm_start_s = 0;          ///< of a norm
  double row_efficiency = 1;        ///< share of the datasheet's bandwidth of both
  double vector_start_s = 0;        ///< of a matrix times one or two rows
  double vector_depth_s = 0;        ///< added for each element of k, beyond 2048 in whole times 2048
  double vector_efficiency = 1;     ///< share of the datasheet's bandwidth
  double vector_second_row = 0;     ///< what a second row adds to the reading, as a share of it
  double attention_start_s = 0;     ///< of attention over a cache
  double attention_combine_s = 0;   ///< added where the cache is cut in parts
  double attention_efficiency = 1;  ///< share of the datasheet's bandwidth
  double attention_padding = 0;     ///< of what heads are padded to, the share that costs as much as if it were read
  double cluster_start_s = 0;       ///< of attention of one query over little, by clusters of blocks
  double cluster_round_s = 0;       ///< added each time that its warps take keys
  double cluster_head = 0;          ///< what a further query head of a head of keys adds to a round, as a share of it
  double cluster_load = 0;          ///< the same of blocks: as many as there are SMs
  double error_shared = 0.1;        ///< standard deviations of the logarithm of a step's time
  double error_independent = 0.1;   ///< and of a kernel's

  static constexpr auto fields() {
    using C = ChainCoefficients;
    return std::to_array<Coefficient<C>>({
        {"first_start_s", &C::first_start_s, 0, 1e-3},
        {"row_start_s", &C::row_start_s, 0, 1e-3},
        {"norm_start_s", &C::norm_start_s, 0, 1e-3},
        {"row_efficiency", &C::row_efficiency, 0.01, 2},
        {"vector_start_s", &C::vector_start_s, 0, 1e-3},
        {"vector_depth_s", &C::vector_depth_s, 0, 1e-6},
        {"vector_efficiency", &C::vector_efficiency, 0.01, 2},
        {"vector_second_row", &C::vector_second_row, 0, 1},
        {"attention_start_s", &C::attention_start_s, 0, 1e-3},
        {"attention_combine_s", &C::attention_combine_s, 0, 1e-3},
        {"attention_efficiency", &C::attention_efficiency, 0.01, 2},
        {"attention_padding", &C::attention_padding, 0, 1},
        {"cluster_start_s", &C::cluster_start_s, 0, 1e-3},
        {"cluster_round_s", &C::cluster_round_s, 0, 1e-3},
        {"cluster_head", &C::cluster_head, 0, 10},
        {"cluster_load", &C::cluster_load, 0, 100},
        {"error_shared", &C::error_shared, 0, 1},
        {"error_independent", &C::error_independent, 0, 1},
    });
  }
};

/// Collectives (docs/models/collectives.md): shares of the link's bandwidth, by kind, and what comes before.
struct CollectiveCoefficients {
  double start_s = 0;  ///< of any collective
  double ramp_s = 0;   ///< what growing messages lose before they fill the links: sqrt(ramp * wire time) is added
  double all_reduce = 1;
  double all_reduce_node = 1;  ///< of all GPUs of a node: over 1 where switches do the sums
  double all_gather = 1;
  double reduce_scatter = 1;
  double send = 1;

  static constexpr auto fields() {
    using C = CollectiveCoefficients;
    return std::to_array<Coefficient<C>>({
        {"start_s", &C::start_s, 0, 1e-2},
        {"ramp_s", &C::ramp_s, 0, 1e-2},
        {"all_reduce", &C::all_reduce, 0.01, 2},
        {"all_reduce_node", &C::all_reduce_node, 0.01, 2},
        {"all_gather", &C::all_gather, 0.01, 2},
        {"reduce_scatter", &C::reduce_scatter, 0.01, 2},
        {"send", &C::send, 0.01, 2},
    });
  }
};

/// What a GPU draws and how it slows down at its power limit (docs/models/power.md). All at its full clock.
struct PowerCoefficients {
  double idle_w = 0;         ///< doing nothing
  double busy_w = 0;         ///< added while kernels run, whatever they do
  double tensor_w = 0;       ///< added by the tensor cores at their peak
  double memory_w = 0;       ///< added by the memory at its peak
  double exponent = 3;       ///< what is above idle falls with this power of the clock
  double least_clock = 0.3;  ///< share of the full clock below which it is not lowered

  static constexpr auto fields() {
    using P = PowerCoefficients;
    return std::to_array<Coefficient<P>>({
        {"idle_w", &P::idle_w, 0, 1e4},
        {"busy_w", &P::busy_w, 0, 1e4},
        {"tensor_w", &P::tensor_w, 0, 1e4},
        {"memory_w", &P::memory_w, 0, 1e4},
        {"exponent", &P::exponent, 0.5, 10},
        {"least_clock", &P::least_clock, 0.05, 1},
    });
  }
};

/// What is left of the tensor throughput at an alignment, instead of what the GPU's alignment classes say: by bytes of
/// an element, then by elements of the class.
using AlignmentEfficiencies = std::map<std::int64_t, std::map<std::int64_t, double>>;

/// How well a calibration fits the GPU it is used for.
enum class Fit {
  own,         ///< fitted on this GPU
  generation,  ///< fitted on another GPU of its generation
  borrowed,    ///< fitted on a GPU of another generation, or on none: the datasheet is most of what is known
};

/// All that was fitted or assumed about one GPU. Facts of the datasheet are in Gpu; here is what reality makes of them.
struct Calibration {
  std::string name;  ///< of the file: the GPU it was fitted on
  Fit fit = Fit::own;
  GemmCoefficients gemm;
  GemmCoefficients misaligned_gemm;  ///< the kernels that take operands the aligned ones refuse
  AlignmentEfficiencies alignment;   ///< of classes that were fitted
  AttentionCoefficients attention;
  DecodeCoefficients decode;
  PointwiseCoefficients pointwise;
  CollectiveCoefficients collective;
  std::optional<ChainCoefficients> chain;      ///< absent: decoding is the sum of its operators
  std::optional<PowerCoefficients> power;      ///< absent: products slow down to the GPU's sustained_fraction
  LogErrors errors;                            ///< by name of the operator's error class
  std::map<std::string, Residual> residuals;   ///< by name, predict/features.h; none without records of this GPU
  std::map<std::string, std::string> sources;  ///< group of coefficients -> where it is from
};

/// The calibration of that GPU: its own where one was made, otherwise that of the GPU nearest to it (same generation
/// and nearest bandwidth per SM first, then the generation it descends from), with wider errors.
Calibration calibration_for(const Gpu& gpu);

/// A calibration as it serves that GPU: as it is where it was fitted on it, else with wider errors.
Calibration lent(Calibration calibration, const Gpu& gpu);

/// The error of that class; the widest of all where the calibration does not name it.
LogError error_of(const Calibration& calibration, std::string_view error_class);

/// Reads a calibration from the text of its file. Error naming source, key, value and fix; unknown keys are refused.
Calibration calibration_from_json(std::string_view text, const std::string& source);

/// 16-bit tensor FLOP/s, which `l2_bytes_per_flop` refers to whatever the operands are; the vector units' where there
/// are none.
double reference_flops(const Gpu& gpu);

/// Names of the shipped calibrations.
std::vector<std::string> calibration_names();

std::string_view name(Fit fit);

}  // namespace gemmetry::gpu
