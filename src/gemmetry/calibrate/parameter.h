#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/calibrate/least_squares.h"
#include "gemmetry/gpu/calibration.h"
#include "gemmetry/op/operator.h"
#include "gemmetry/predict/predictor.h"

namespace gemmetry::calibrate {

/// Coefficients that are fitted together, as a calibration file groups them.
enum class Group { gemm, misaligned_gemm, attention, decode, pointwise, power };

std::string_view name(Group group);
Group group_from_name(std::string_view name);  ///< Error naming the choices
const std::vector<Group>& all_groups();

/// The group that an operator's time in a burst depends on most; null: nothing that is fitted here (collectives).
const Group* group_of(const op::Operator& op, const predict::Predictor& predictor);

/// A coefficient to be fitted.
struct Parameter {
  std::string name;
  std::function<double(const gpu::Calibration&)> get;
  std::function<void(gpu::Calibration&, double)> set;
  /// Where it is looked for: around what it is now and in the shipped calibrations, within what a file may hold.
  Range range;
};

/// The coefficients of a group, in their order; of misaligned products also the efficiencies of the alignments that the
/// calibration has. Of power, it has to have some.
std::vector<Parameter> parameters_of(Group group, const gpu::Calibration& now);

}  // namespace gemmetry::calibrate
