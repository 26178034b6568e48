#pragma once

#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::run {

/// Error "cannot be executed yet: ..." naming the first thing of model or workload that is priced but not run.
void require_executable(const shape::Model& model, const shape::Workload& workload);

/// The same of the model alone, whatever is done with it.
void require_executable(const shape::Model& model);

}  // namespace gemmetry::run
