#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"
#include "gemmetry/study/point.h"

namespace gemmetry::study {

/// "layer", "model", and the modules as the paper's Table II names them: the parts of a model that a study may price.
std::vector<std::string> part_names();

/// The operators of that part with how often they run, equal ones once, in the order of their first: "layer" is the
/// model's first, "model" all of it; a module is that of the first layer, or of the model where it stands outside of
/// layers. In a training step with all of its passes. Error when no such operator runs.
std::vector<CountedOperator> operators_of(std::string_view part, const shape::Model& model,
                                          const shape::Workload& workload);

}  // namespace gemmetry::study
