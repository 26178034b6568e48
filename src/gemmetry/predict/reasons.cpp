#include "gemmetry/predict/reasons.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "gemmetry/predict/attention_model.h"
#include "gemmetry/predict/collective_model.h"

namespace gemmetry::predict {
namespace {

/// A number with three digits and its unit: steps of a thousand from `units.front()` on.
std::string with_unit(double value, std::span<const std::string_view> units) {
  std::size_t unit = 0;
  while (unit + 1 < units.size() && value >= 999.5) {
    value /= 1000;
    ++unit;
  }
  const int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  std::string number = fmt::format("{:.{}f}", value, digits);
  if (digits > 0) {
    number.erase(number.find_last_not_of('0') + 1);
    if (number.back() == '.') number.pop_back();
  }
  return fmt::format("{} {}", number, units[unit]);
}

std::string rate_text(double bytes_per_s) { return bytes_text(bytes_per_s) + "/s"; }

std::string percent(double share) { return fmt::format("{:.0f} %", 100 * share); }

std::string launch_text(double fixed_s, double time_s) {
  return fmt::format("launch-bound: {} of {}", time_text(std::min(fixed_s, time_s)), time_text(time_s));
}

struct Dimension {
  char name;
  std::int64_t size;
};

std::int64_t lowest_bit(std::int64_t x) { return x & -x; }

/// The contiguous dimension that is aligned worst.
Dimension worst(std::span<const Dimension> contiguous) {
  return *std::min_element(contiguous.begin(), contiguous.end(), [](const Dimension& a, const Dimension& b) {
    return lowest_bit(a.size) < lowest_bit(b.size);
  });
}

Dimension worst(const op::Gemm& g) {
  switch (g.layout) {
    case op::Layout::nt:
    case op::Layout::nn:
      return worst(std::array{Dimension{'n', g.n}, Dimension{'k', g.k}});
    case op::Layout::tn:
      return worst(std::array{Dimension{'n', g.n}, Dimension{'m', g.m}});
  }
  return {'n', g.n};
}

Dimension worst(const op::GroupedGemm& g) { return worst(std::array{Dimension{'n', g.n}, Dimension{'k', g.k}}); }

std::string multiple_text(const Dimension& dimension) {
  const std::int64_t power = lowest_bit(dimension.size);
  if (power == 1) return fmt::format("{} = {} is odd", dimension.name, dimension.size);
  return fmt::format("{} = {} is a multiple of {} only", dimension.name, dimension.size, power);
}

std::string tiles_text(const GemmPlan& plan, const gpu::Gpu& gpu) {
  const std::string split = plan.split_k > 1 ? fmt::format(", k split in {},", plan.split_k) : "";
  return fmt::format("{} tile{} of {}x{}{} fill {} of {} SMs in {} wave{}", plan.tiles, plan.tiles == 1 ? "" : "s",
                     plan.tile_m, plan.tile_n, split, percent(plan.fill), gpu.sms, plan.waves,
                     plan.waves == 1 ? "" : "s");
}

template <class Product>
std::string product_reason(const Product& gemm, const GemmPlan& plan, const gpu::Gpu& gpu, const std::string& memory) {
  const std::int64_t needed = gpu::alignment_threshold(gpu, gemm.dtype);
  const bool misaligned = plan.power_of_two < needed;
  const bool multiplying =
      plan.bound == op::Bound::tensor || (plan.bound == op::Bound::l2 && plan.tensor_time_s >= plan.memory_time_s);
  if (misaligned && multiplying)
    return fmt::format("{}: tensor cores run at {} ({} elements needed)", multiple_text(worst(gemm)),
                       percent(plan.alignment_efficiency), needed);
  std::string text;
  if (plan.bound == op::Bound::launch)
    text = launch_text(plan.fixed_time_s, plan.time_s);
  else if (multiplying)
    text = tiles_text(plan, gpu) +
           (plan.bound == op::Bound::tensor ? ": tensor-bound" : ": bound by reading tiles from L2");
  else
    text = memory;
  if (misaligned) text += "; " + multiple_text(worst(gemm));
  return text;
}

/// Which part of a product's traffic to name: the weights where they are most of it.
std::string traffic_text(double weights, double all, const GemmPlan& plan) {
  constexpr double most = 0.8;
  const std::string what = weights > most * all ? fmt::format("reads {} of weights", bytes_text(weights))
                                                : fmt::format("moves {}", bytes_text(all));
  if (plan.bound == op::Bound::l2) return fmt::format("{}, which stay in L2: L2-bound", what);
  return fmt::format("{} at {}: memory-bound", what, rate_text(plan.memory_bytes / plan.memory_time_s));
}

}  // namespace

std::string time_text(double time_s) {
  constexpr std::array<std::string_view, 3> units{"us", "ms", "s"};
  return with_unit(time_s * 1e6, units);
}

std::string bytes_text(double bytes) {
  constexpr std::array<std::string_view, 6> units{"B", "KB", "MB", "GB", "TB", "PB"};
  return with_unit(bytes, units);
}

std::string reason_of(const op::Gemm& gemm, const GemmPlan& plan, const gpu::Gpu& gpu) {
  const double weights =
      gemm.batch == 1 && gemm.layout != op::Layout::tn
          ? static_cast<double>(gemm.n) * static_cast<double>(gemm.k) * shape::bytes_per_element(gemm.dtype)
          : 0;
  return product_reason(gemm, plan, gpu, traffic_text(weights, op::bytes(gemm), plan));
}

std::string reason_of(const op::GroupedGemm& gemm, const GemmPlan& plan, const gpu::Gpu& gpu) {
  const double weights = gemm.layout == op::Layout::tn
                             ? 0
                             : static_cast<double>(gemm.experts) * static_cast<double>(gemm.n) *
                                   static_cast<double>(gemm.k) * shape::bytes_per_element(gemm.dtype);
  return product_reason(gemm, plan, gpu, traffic_text(weights, op::bytes(gemm), plan));
}

std::string reason_of(const op::Attention& attention, const Estimate& estimate, const gpu::Gpu& gpu) {
  if (estimate.bound == op::Bound::launch) return launch_text(estimate.fixed_time_s, estimate.time_s);
  if (estimate.bound == op::Bound::memory) {
    const double bytes = op::bytes(attention);
    return fmt::format("{} {} at {}: memory-bound", is_decode(attention) ? "reads a cache of" : "moves",
                       bytes_text(bytes), rate_text(bytes / estimate.memory_time_s));
  }
  if (is_decode(attention))
    return fmt::format("{} KV heads of {} sequences over {} SMs: bound by starting each", attention.kv_heads,
                       attention.batch, gpu.sms);
  const double share = op::flop(attention) / estimate.time_s / gpu::peak_flops(gpu, attention.dtype);
  const std::int64_t padded = padded_head_dim(attention.head_dim);
  const std::string padding =
      padded == attention.head_dim ? "" : fmt::format(", head dimension {} runs as {}", attention.head_dim, padded);
  return fmt::format("products and softmax in one kernel at {} of the tensor peak{}: tensor-bound", percent(share),
                     padding);
}

std::string chained_reason(const op::Operator& op, const Estimate& estimate) {
  if (estimate.bound == op::Bound::launch)
    return fmt::format("one of a chain of kernels: {} of {} before it reads", time_text(estimate.fixed_time_s),
                       time_text(estimate.time_s));
  const double bytes = op::bytes(op);
  return fmt::format("one of a chain of kernels: moves {} at {}: memory-bound", bytes_text(bytes),
                     rate_text(bytes / estimate.memory_time_s));
}

std::string reason_of(const op::Collective& collective, const Estimate& estimate, double link_bandwidth) {
  const double steps = CollectiveModel::steps(collective);
  if (estimate.bound == op::Bound::launch)
    return fmt::format("{:.0f} step{} and start take {} of {}: latency-bound", steps, steps == 1 ? "" : "s",
                       time_text(estimate.fixed_time_s), time_text(estimate.time_s));
  return fmt::format("sends {} over links of {}: network-bound", bytes_text(op::bytes(collective)),
                     rate_text(link_bandwidth));
}

std::string memory_reason(double bytes, const Estimate& estimate) {
  if (estimate.bound == op::Bound::launch) return launch_text(estimate.fixed_time_s, estimate.time_s);
  return fmt::format("moves {} at {}: memory-bound", bytes_text(bytes), rate_text(bytes / estimate.memory_time_s));
}

}  // namespace gemmetry::predict
