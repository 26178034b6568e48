#include "gemmetry/predict/gemm_model.h"

#include <algorithm>
#include <cmath>

#include "gemmetry/predict/estimate.h"

// Predicts: the time of one product, batched or grouped, from the launch to the last byte written.
// Formula:  launch + (sm^3 + memory^3)^(1/3), with
//           sm = prologue + what tile_menu.cpp says of the chosen tile,
//           memory = latency + max(bytes not in L2, all bytes / l2_speedup) / (efficiency x bandwidth).
//           Sustained clocks: tensor throughput is at most sustained_fraction of the burst's.
// Range:    calibrated for m to 32768, n and k from 32 to 65536, bf16; other dtypes scale the tensor throughput.
// Ignores:  epilogues, clusters, strides, power within a burst (products over 2 ms throttle), which experts are busy.
// Source:   tile and wave quantisation as NVIDIA's matrix multiplication guide has it; coefficients from
// data/calibration.

namespace gemmetry::predict {
namespace {

constexpr double step_bytes = 128;
/// Two partial sums of four bytes, written and read, for each element of c and part of k.
constexpr double split_bytes = 8;
/// Kernels below this share of the aligned throughput are those that take any alignment.
constexpr double aligned_from = 0.9;
/// Products of fewer rows, columns or batches are bound by other things than tensor cores on any GPU.
constexpr std::int64_t thin = 64;
constexpr double most_tiles = 4611686018427387904.0;  // 2^62

double real(std::int64_t x) { return static_cast<double>(x); }

std::int64_t whole(double x) { return static_cast<std::int64_t>(std::min(x, most_tiles)); }

std::int64_t lowest_bit(std::int64_t x) { return x & -x; }

/// Bytes that come from device memory: none while they stay in L2 from one run to the next, all from half as much
/// again.
double cold(double bytes, double resident) { return bytes * std::clamp((bytes / resident - 1) * 2, 0.0, 1.0); }

/// In elements of the operands, what the result's row allows: its elements may be wider.
std::int64_t result_power(std::int64_t n, shape::Dtype dtype) {
  const auto wider = static_cast<std::int64_t>(op::result_bytes_per_element(dtype) / shape::bytes_per_element(dtype));
  return lowest_bit(n) * wider;
}

}  // namespace

std::int64_t power_of_two(const op::Gemm& g) {
  const std::int64_t m = lowest_bit(g.m);
  const std::int64_t n = lowest_bit(g.n);
  const std::int64_t k = lowest_bit(g.k);
  switch (g.layout) {
    case op::Layout::nt:
      return std::min(k, result_power(g.n, g.dtype));
    case op::Layout::nn:
      return std::min(k, n);
    case op::Layout::tn:
      return std::min(m, n);
  }
  return 1;
}

std::int64_t power_of_two(const op::GroupedGemm& g) {
  if (g.layout == op::Layout::nt) return std::min(lowest_bit(g.k), result_power(g.n, g.dtype));
  return std::min(lowest_bit(g.n), lowest_bit(g.k));
}

op::ErrorClass error_class(const op::Gemm& g, const GemmPlan& plan) {
  if (plan.alignment_efficiency < aligned_from) return op::ErrorClass::misaligned_product;
  if (g.batch > 1) return op::ErrorClass::batched_product;
  return std::min({g.m, g.n, g.k}) <= thin ? op::ErrorClass::thin_product : op::ErrorClass::product;
}

op::ErrorClass error_class(const op::GroupedGemm&, const GemmPlan& plan) {
  return plan.alignment_efficiency < aligned_from ? op::ErrorClass::misaligned_product
                                                  : op::ErrorClass::batched_product;
}

GemmModel::GemmModel(const gpu::Gpu& gpu, const gpu::Calibration& calibration, gpu::Clocks clocks)
    : gpu_(gpu), aligned_(calibration.gemm), misaligned_(calibration.misaligned_gemm) {
  for (const shape::Dtype dtype : shape::all_dtypes())
    if (dtype == shape::Dtype::fp32 || gpu.tensor_flops.contains(dtype))
      add_kernels(dtype, calibration.alignment, clocks);
}

void GemmModel::add_kernels(shape::Dtype dtype, const gpu::AlignmentEfficiencies& fitted, gpu::Clocks clocks) {
  // Power limits what the tensor cores do, not how fast they could: kernels that keep them half idle are not slowed.
  const double limit = clocks == gpu::Clocks::sustained ? gpu_.sustained_fraction.value_or(1) : 1;
  const double flops = gpu::peak_flops(gpu_, dtype);
  const bool tensor = gpu_.tensor_flops.contains(dtype);
  std::vector<gpu::AlignmentClass> classes{{1, 1}};
  const std::int64_t bytes = whole(shape::bytes_per_element(dtype));
  const auto listed = gpu_.alignment.find(bytes);
  if (tensor && listed != gpu_.alignment.end() && !listed->second.empty()) classes = listed->second;
  if (const auto found = fitted.find(bytes); tensor && found != fitted.end())
    for (gpu::AlignmentClass& one : classes)
      if (const auto efficiency = found->second.find(one.elements); efficiency != found->second.end())
        one.efficiency = efficiency->second;
  for (const gpu::AlignmentClass& one : classes) {
    const bool aligned = tensor && one.efficiency >= aligned_from;
    const gpu::GemmCoefficients& coefficients = aligned ? aligned_ : misaligned_;
    kernels_[dtype].push_back({one.elements, one.efficiency, aligned,
                               TileMenu(menu_of(gpu_.generation, aligned), coefficients, real(gpu_.sms),
                                        flops * std::min(one.efficiency, limit), gpu::reference_flops(gpu_),
                                        step_bytes / shape::bytes_per_element(dtype))});
  }
}

const GemmModel::Kernels& GemmModel::kernels_for(shape::Dtype dtype, std::int64_t power) const {
  const auto found = kernels_.find(dtype);
  if (found == kernels_.end()) gpu::peak_flops(gpu_, dtype);  // throws, naming what the GPU can multiply
  const std::vector<Kernels>& all = found->second;
  std::size_t best = 0;
  while (best + 1 < all.size() && all[best + 1].elements <= power) ++best;
  return all[best];
}

GemmPlan GemmModel::plan(const op::Gemm& g) const {
  const double in = shape::bytes_per_element(g.dtype);
  const double batch = real(g.batch);
  const double m = real(g.m);
  const double n = real(g.n);
  const double k = real(g.k);
  return plan(
      {batch, m, n, k, batch * m * k * in, batch * n * k * in, batch * m * n * op::result_bytes_per_element(g.dtype)},
      g.dtype, power_of_two(g));
}

GemmPlan GemmModel::plan(const op::GroupedGemm& g) const {
  const double in = shape::bytes_per_element(g.dtype);
  const double out = op::result_bytes_per_element(g.dtype);
  const double experts = real(g.experts);
  const double rows = real(g.rows);
  const double n = real(g.n);
  const double k = real(g.k);
  // Fewer rows than experts leave experts idle; none has less than a row.
  const double busy = std::min(experts, std::max(rows, 1.0));
  if (g.layout == op::Layout::tn)
    return plan({busy, n, k, rows / busy, rows * n * in, rows * k * in, experts * n * k * out}, g.dtype,
                power_of_two(g));
  return plan({busy, rows / busy, n, k, rows * k * in, busy * n * k * in, rows * n * out}, g.dtype, power_of_two(g));
}

/// The busiest SM's time with one choice of tile, in its parts.
struct GemmModel::Work {
  double parts;  ///< that k is split in
  double tiles;
  double rounds;  ///< whole waves
  double start_s;
  double loop_s;
  double writing_s;
  double split_s;
  double total_s() const { return start_s + loop_s + writing_s + split_s; }
};

GemmModel::Work GemmModel::work(const Product& p, const TileQuery& query, const TileChoice& choice, const Tile& tile,
                                const gpu::GemmCoefficients& c) const {
  const double sms = real(gpu_.sms);
  const double rows = std::ceil((choice.swapped ? p.n : p.m) / real(tile.m));
  const double columns = std::ceil((choice.swapped ? p.m : p.n) / real(tile.n));
  const double whole_tiles = p.batch * rows * columns;
  Work work{};
  work.parts = choice.split ? split_parts(whole_tiles, query.steps, sms) : 1;
  work.tiles = whole_tiles * work.parts;
  work.rounds = std::ceil(work.tiles / sms);
  work.start_s = c.prologue_s + c.ramp_steps * tile.latency_s;
  work.writing_s = (work.rounds - 1) * tile.wave_s;
  if (work.parts > 1) {
    work.loop_s = std::ceil(query.steps / work.parts) * tile.latency_s;
    work.split_s = query.split_s + work.parts * query.split_part_s;
  } else {
    work.loop_s =
        query.steps * std::max(work.rounds * tile.step_s, std::ceil(work.rounds / tile.resident) * tile.latency_s);
  }
  return work;
}

GemmModel::Traffic GemmModel::traffic(const Product& p, const gpu::GemmCoefficients& c) const {
  const double l2 = gpu_.l2_bytes;
  const double all = p.a_bytes + p.b_bytes + p.c_bytes;
  const double from_memory =
      cold(p.a_bytes, c.resident_a * l2) + cold(p.b_bytes, c.resident_b * l2) + cold(p.c_bytes, c.resident_c * l2);
  return {std::max(from_memory, all / c.l2_speedup), 2 * from_memory >= all};
}

GemmPlan GemmModel::plan(const Product& p, shape::Dtype dtype, std::int64_t power) const {
  const Kernels& kernels = kernels_for(dtype, power);
  const gpu::GemmCoefficients& c = kernels.aligned ? aligned_ : misaligned_;
  const double bandwidth = c.memory_efficiency * gpu_.bandwidth;
  const double steps = std::ceil(p.k * shape::bytes_per_element(dtype) / step_bytes);
  const double part_s = p.batch * p.m * p.n * split_bytes / (c.split_speedup * bandwidth);
  const TileQuery query{p.batch, p.m, p.n, steps, c.ramp_steps, c.split_s, part_s};
  const TileChoice choice = kernels.menu.choose(query);
  const Tile& tile = kernels.menu[choice.tile];
  const Work sm = work(p, query, choice, tile, c);
  const Traffic moved = traffic(p, c);
  const double sms = real(gpu_.sms);

  GemmPlan plan;
  plan.power_of_two = power;
  plan.alignment_efficiency = kernels.efficiency;
  plan.tile_m = tile.m;
  plan.tile_n = tile.n;
  plan.split_k = whole(sm.parts);
  plan.swapped = choice.swapped;
  plan.tiles = whole(sm.tiles);
  plan.waves = whole(sm.rounds);
  plan.last_wave_use = (sm.tiles - (sm.rounds - 1) * sms) / sms;
  plan.fill = sm.tiles / (sm.rounds * sms);
  plan.tensor_time_s = sm.loop_s + sm.writing_s;
  plan.memory_time_s = moved.bytes / bandwidth;
  plan.memory_bytes = moved.bytes;
  plan.fixed_time_s = gpu_.launch_graph_s + sm.start_s + sm.split_s;
  plan.time_s = gpu_.launch_graph_s + overlapped(sm.total_s(), c.memory_latency_s + plan.memory_time_s);
  if (plan.fixed_time_s >= std::max(plan.tensor_time_s, plan.memory_time_s))
    plan.bound = op::Bound::launch;
  else if (plan.memory_time_s >= plan.tensor_time_s)
    plan.bound = moved.mostly_cold ? op::Bound::memory : op::Bound::l2;
  else
    plan.bound = tile.tensor_s >= tile.l2_s ? op::Bound::tensor : op::Bound::l2;
  return plan;
}

}  // namespace gemmetry::predict
