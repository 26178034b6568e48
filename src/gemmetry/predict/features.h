#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "gemmetry/gpu/gpu.h"
#include "gemmetry/op/operator.h"
#include "gemmetry/predict/estimate.h"
#include "gemmetry/predict/gemm_plan.h"

// What a learned residual sees of an operator and of its structured estimate: numbers with names. The same names and
// values serve training (`gemmetry validate --format csv`) and prediction, so they are computed here alone.

namespace gemmetry::predict {

/// No operator has more.
inline constexpr std::size_t most_features = 80;
using Features = std::array<float, most_features>;

/// The residual that serves an operator: "gemm", "attention", "attention_backward", "decode" or "row_wise"; empty for
/// kinds that have none (grouped products, collectives).
std::string_view residual_of(const op::Operator& op);

/// The residuals' names.
std::span<const std::string_view> residual_names();

/// Names of the features of a residual, in order; none for a name that is not a residual's. Those that begin with
/// "log2_" are sizes: a calibration says in which range of each it was fitted.
std::span<const std::string_view> feature_names(std::string_view residual);
std::span<const std::string_view> feature_names(const op::Operator& op);

/// Values of those features.
void gemm_features(const op::Gemm& gemm, const GemmPlan& plan, const gpu::Gpu& gpu, Features& values);
void attention_features(const op::Attention& attention, const Estimate& estimate, const gpu::Gpu& gpu,
                        Features& values);
/// Of any other operator but grouped products and collectives.
void row_wise_features(const op::Operator& op, const Estimate& estimate, const gpu::Gpu& gpu, Features& values);

}  // namespace gemmetry::predict
