#include "gemmetry/predict/power_model.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gemmetry/op/dtype_of.h"

// Predicts: how much longer a kernel takes under sustained load than in a short burst.
// Formula:  power    = idle + busy + tensor x utilisation + memory x utilisation, at the full clock;
//           clock    = ((limit - idle) / (power - idle))^(1 / exponent), at most 1: voltage falls with the clock;
//           slowdown = clocked / clock + 1 - clocked, clocked = sm^3 / (sm^3 + memory^3), launch and start with the sm.
// Range:    kernels that run alone, one after the other, until the clock is flat.
// Ignores:  temperature, the values of the operands (zeros draw less), the memory's own clock, which stays.
// Source:   coefficients from data/calibration, fitted to clocks and times of sustained records.

namespace gemmetry::predict {
namespace {

double cube(double x) { return x * x * x; }

}  // namespace

PowerModel::PowerModel(const gpu::Gpu& gpu, const gpu::PowerCoefficients& coefficients)
    : gpu_(gpu), coefficients_(coefficients) {}

PowerModel::Load PowerModel::load(const op::Operator& op, const Estimate& estimate) const {
  Load load;
  if (const double flop = op::flop(op); flop > 0)
    load.tensor = flop / (estimate.time_s * gpu::peak_flops(gpu_, dtype_of(op)));
  load.memory = std::min(op::bytes(op) / (estimate.time_s * gpu_.bandwidth), 1.0);
  const double sm = cube(estimate.tensor_time_s);
  const double all = sm + cube(estimate.memory_time_s);
  const double fixed = std::min(estimate.fixed_time_s / estimate.time_s, 1.0);
  load.clocked = fixed + (1 - fixed) * (all > 0 ? sm / all : 0);
  return load;
}

double PowerModel::power_w(const Load& load) const {
  const gpu::PowerCoefficients& c = coefficients_;
  return c.idle_w + c.busy_w + c.tensor_w * load.tensor + c.memory_w * load.memory;
}

double PowerModel::clock(const Load& load) const {
  const double limit = gpu_.power_limit_w.value_or(std::numeric_limits<double>::infinity());
  const double power = power_w(load);
  if (power <= limit) return 1;
  const double room = std::max(limit - coefficients_.idle_w, 0.0) / (power - coefficients_.idle_w);
  return std::clamp(std::pow(room, 1 / coefficients_.exponent), coefficients_.least_clock, 1.0);
}

double PowerModel::slowdown(const Load& load) const { return load.clocked / clock(load) + 1 - load.clocked; }

}  // namespace gemmetry::predict
