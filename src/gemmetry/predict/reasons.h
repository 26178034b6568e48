#pragma once

#include <string>

#include "gemmetry/gpu/gpu.h"
#include "gemmetry/op/attention.h"
#include "gemmetry/op/collective.h"
#include "gemmetry/op/gemm.h"
#include "gemmetry/op/operator.h"
#include "gemmetry/predict/estimate.h"
#include "gemmetry/predict/gemm_plan.h"

namespace gemmetry::predict {

// One line in plain words: what limits an operator, with numbers.

std::string reason_of(const op::Gemm& gemm, const GemmPlan& plan, const gpu::Gpu& gpu);
std::string reason_of(const op::GroupedGemm& gemm, const GemmPlan& plan, const gpu::Gpu& gpu);
std::string reason_of(const op::Attention& attention, const Estimate& estimate, const gpu::Gpu& gpu);
/// Of an operator as one of a chain's kernels.
std::string chained_reason(const op::Operator& op, const Estimate& estimate);
std::string reason_of(const op::Collective& collective, const Estimate& estimate, double link_bandwidth);

/// Of a kernel that only moves `bytes`.
std::string memory_reason(double bytes, const Estimate& estimate);

/// "2.3 us", "1.25 ms".
std::string time_text(double time_s);
/// "180 MB", "1.07 GB"; G is 1e9.
std::string bytes_text(double bytes);

}  // namespace gemmetry::predict
