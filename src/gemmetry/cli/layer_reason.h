#pragma once

#include <string>

#include "gemmetry/op/cost_model.h"
#include "gemmetry/predict/predictor.h"

namespace gemmetry::cli {

/// One sentence on a layer: how much of it is products, and what it loses most by: sizes that are not aligned, or else
/// the operator that stays furthest above its roofline (peak of the tensor cores, bandwidth of the memory).
std::string layer_reason(const op::PricedProgram& layer, const predict::Predictor& predictor);

}  // namespace gemmetry::cli
