#pragma once

#include "gemmetry/backends/cpu/arrays.h"
#include "gemmetry/op/operator.h"

// What the operators compute, in fp32, from arrays in the order of measure::operands(op).

namespace gemmetry::backends::cpu {

/// Which loops multiply.
enum class Multiplier { openblas, loops };

void run(const op::Gemm& gemm, const Arrays& arrays, Multiplier multiplier);
void run(const op::GroupedGemm& gemm, const Arrays& arrays, Multiplier multiplier);
void run(const op::Attention& attention, const Arrays& arrays);
void run(const op::Norm& norm, const Arrays& arrays);
void run(const op::Softmax& softmax, const Arrays& arrays);
void run(const op::CrossEntropy& cross_entropy, const Arrays& arrays);
void run(const op::Activation& activation, const Arrays& arrays);
void run(const op::Rotary& rotary, const Arrays& arrays);
void run(const op::Residual& residual, const Arrays& arrays);
void run(const op::Embedding& embedding, const Arrays& arrays);
void run(const op::Optimizer& optimizer, const Arrays& arrays);
void run(const op::Pointwise& pointwise, const Arrays& arrays);

/// What the forward pass leaves for the backward: output and log-sum-exp, the norm's statistics, the loss's
/// log-sum-exp.
void prepare(const op::Attention& attention, const Arrays& arrays);
void prepare(const op::Norm& norm, const Arrays& arrays);
void prepare(const op::CrossEntropy& cross_entropy, const Arrays& arrays);

/// GELU in its tanh form, and its derivative.
float gelu(float x);
float gelu_slope(float x);

}  // namespace gemmetry::backends::cpu
