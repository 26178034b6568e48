#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/measure/whole.h"
#include "gemmetry/op/module.h"
#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"
#include "gemmetry/study/point.h"

namespace gemmetry::study {

/// "layer", "attention block", "model", and the modules as the paper's Table II names them: the parts of a model that a
/// study may price.
std::vector<std::string> part_names();

/// The names of "QKV Transform + Attention".
std::vector<std::string> parts_of(std::string_view text);

/// The operators of those parts with how often they run, equal ones once, in the order of their first: "layer" is the
/// model's first, "attention block" its norm, projections, attention and addition, "model" all of it; a module is that
/// of the first layer, or of the model where it stands outside of layers. In a training step with all of its passes.
/// Error when one of them runs no operator.
std::vector<CountedOperator> operators_of(std::string_view parts, const shape::Model& model,
                                          const shape::Workload& workload);

/// Those of the parts that are modules; empty where one of them is not.
std::vector<op::Module> modules_of(std::string_view parts);

/// What a part is executed as in one piece; absent of modules.
std::optional<measure::WholeKind> whole_kind(std::string_view part);

}  // namespace gemmetry::study
