#pragma once

#include <cstdint>
#include <string>

#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::advise {

/// The multiple of `step` nearest to `value`, the larger of two equally near, at least `step`.
std::int64_t nearest_multiple(std::int64_t value, std::int64_t step);
/// The least multiple of `step` that is not below `value`.
std::int64_t multiple_above(std::int64_t value, std::int64_t step);
/// The greatest multiple of `step` that is not above `value`, at least `step`.
std::int64_t multiple_below(std::int64_t value, std::int64_t step);
/// "10176 or 10368": the multiples of `step` below and above `value`, or `value` itself when it is one.
std::string multiples_around(std::int64_t value, std::int64_t step);

/// `model` with `heads` heads of its own dimension and as many KV heads, or as few a head, as before.
shape::Model with_heads(const shape::Model& model, std::int64_t heads, std::int64_t tensor_parallel);

/// `model` where the workload can split it; otherwise with heads, KV heads, FFN and expert widths and layers moved to
/// the nearest that divide, and nothing more: the least change that runs.
shape::Model nearest_possible(const shape::Model& model, const shape::Workload& workload);

}  // namespace gemmetry::advise
