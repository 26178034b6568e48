#pragma once

#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::run {

/// Error "cannot be executed yet: ..." naming the first thing of model or workload that is priced but not run.
void require_executable(const shape::Model& model, const shape::Workload& workload);

}  // namespace gemmetry::run
