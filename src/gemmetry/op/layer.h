#pragma once

#include <vector>

#include "gemmetry/op/program.h"
#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::op {

/// The steps of one layer of the model's first kind, in order; in a training step with its backward pass and the update
/// of its own parameters. Errors as op::lower.
std::vector<Step> layer_steps(const shape::Model& model, const shape::Workload& workload);

/// The same of its attention part alone: norm, projections, attention, addition. Without an update.
std::vector<Step> attention_steps(const shape::Model& model, const shape::Workload& workload);

}  // namespace gemmetry::op
