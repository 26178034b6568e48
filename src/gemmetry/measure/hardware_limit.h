#pragma once

#include <optional>
#include <string>

#include "gemmetry/gpu/gpu.h"
#include "gemmetry/measure/sampler.h"
#include "gemmetry/op/operator.h"

// What no kernel can beat: a result below it is no result.
//
// Formula: the larger of FLOP / peak and (bytes - L2) / bandwidth. The peak is the datasheet's dense one, raised where
// the clock is above the one it is stated at. Bytes are those that cannot be avoided: every operand read or written
// once, of tables only the rows that are looked up, of masked scores only those that are left. A cache that kept what
// it can from one execution to the next would save its own size of them, so operands that fit it have no floor.
// Ignores: launches, tiles, everything that makes real kernels slower.

namespace gemmetry::measure {

/// Seconds one execution takes at the very least; absent for an unknown GPU and for collectives. `clock_hz` is the
/// highest clock the device can have; 0: that of the datasheet.
std::optional<double> least_time_s(const op::Operator& op, const gpu::Gpu* gpu, double clock_hz = 0);

/// How far under the floor a measurement may be: clocks and bandwidths are known to no more.
inline constexpr double floor_tolerance = 0.02;

/// Why the measurement cannot be true; empty when it can be.
std::string distrust(const op::Operator& op, const Measurement& measurement, const gpu::Gpu* gpu, double clock_hz = 0);

}  // namespace gemmetry::measure
