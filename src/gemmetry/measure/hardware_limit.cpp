#include "gemmetry/measure/hardware_limit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/operands.h"

namespace gemmetry::measure {
namespace {

/// Different rows among `draws` of `rows`, on average.
double different_rows(double rows, double draws) { return rows * -std::expm1(draws * std::log1p(-1 / rows)); }

double avoidable(const op::Softmax& s) {
  if (s.backward || s.columns == 0 || softmax_visible(s, 0) == s.columns) return 0;
  const double masked = static_cast<double>(s.rows) * static_cast<double>(s.columns - 1) / 2;
  return masked * shape::bytes_per_element(s.dtype);
}

double avoidable(const op::Embedding& e) {
  const double tokens = static_cast<double>(e.tokens);
  const double row = static_cast<double>(e.width) * shape::bytes_per_element(e.dtype);
  const double repeated = tokens - different_rows(static_cast<double>(embedding_rows), tokens);
  const double positions = e.positions ? tokens - std::min(tokens, static_cast<double>(embedding_positions)) : 0;
  // Indexes are counted with eight bytes and take four.
  return (repeated + positions) * row * (e.backward ? 2 : 1) + tokens * 4;
}

template <class Op>
double avoidable(const Op&) {
  return 0;
}

double compulsory_bytes(const op::Operator& op) {
  double held = 0;
  const std::vector<Operand> all = operands(op);
  for (const Operand& operand : all)
    held += static_cast<double>(operand.rows) * static_cast<double>(operand.columns) *
            static_cast<double>(element_bytes(operand.element)) * (operand.use == Use::in_out ? 2 : 1);
  const double counted = op::bytes(op) - std::visit([](const auto& one) { return avoidable(one); }, op);
  return std::min(held, counted);
}

/// 0 where the datasheet has no peak for the operands.
double peak(const op::Operator& op, const gpu::Gpu& gpu, double clock_hz) {
  const double faster = gpu.boost_clock_hz > 0 ? std::max(1.0, clock_hz / gpu.boost_clock_hz) : 1;
  return faster * std::visit(
                      [&](const auto& one) -> double {
                        if constexpr (requires { one.dtype; }) {
                          if (one.dtype == shape::Dtype::fp32 || gpu.tensor_flops.contains(one.dtype))
                            return gpu::peak_flops(gpu, one.dtype);
                        }
                        return 0;
                      },
                      op);
}

struct Floor {
  double flop_s = 0;
  double bytes_s = 0;
};

Floor floor_of(const op::Operator& op, const gpu::Gpu& gpu, double clock_hz) {
  Floor floor;
  const double flop_per_s = peak(op, gpu, clock_hz);
  if (flop_per_s > 0) floor.flop_s = op::flop(op) / flop_per_s;
  if (gpu.bandwidth > 0) floor.bytes_s = std::max(0.0, compulsory_bytes(op) - gpu.l2_bytes) / gpu.bandwidth;
  return floor;
}

bool measurable(const op::Operator& op) { return !std::holds_alternative<op::Collective>(op); }

}  // namespace

std::optional<double> least_time_s(const op::Operator& op, const gpu::Gpu* gpu, double clock_hz) {
  if (!gpu || !measurable(op)) return std::nullopt;
  const Floor floor = floor_of(op, *gpu, clock_hz);
  return std::max(floor.flop_s, floor.bytes_s);
}

std::string distrust(const op::Operator& op, const Measurement& measurement, const gpu::Gpu* gpu, double clock_hz) {
  const double time_s = measurement.median_s;
  if (!(time_s > 0) || !std::isfinite(time_s)) return fmt::format("the time, {} s, is no time", time_s);
  if (!gpu || !measurable(op)) return {};
  const double seen_hz = measurement.clocks.clock_mhz.value_or(0) * 1e6;
  const Floor floor = floor_of(op, *gpu, std::max(clock_hz, seen_hz));
  const double least_s = std::max(floor.flop_s, floor.bytes_s);
  if (time_s >= (1 - floor_tolerance) * least_s) return {};
  const std::string work = floor.flop_s >= floor.bytes_s
                               ? fmt::format("for {:.4g} FLOP at its peak", op::flop(op))
                               : fmt::format("to move {:.4g} bytes through its memory", compulsory_bytes(op));
  return fmt::format("{:.4g} s is less than the {:.4g} s that '{}' needs {}", time_s, least_s, gpu->name, work);
}

}  // namespace gemmetry::measure
