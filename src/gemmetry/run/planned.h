#pragma once

#include <initializer_list>
#include <memory>
#include <string>

#include "gemmetry/measure/backend.h"

namespace gemmetry::run {

/// A kernel or an operator made ready to run. Deleted before the backend.
class Planned {
 public:
  /// With the algorithm of that key; empty: the library's first choice. Throws BackendError.
  Planned(measure::Backend& backend, const measure::Kernel& kernel, const std::string& key = {});
  Planned(measure::Backend& backend, const op::Operator& op);

  measure::Plan* plan() const { return plan_.get(); }
  std::int64_t workspace_bytes() const { return plan_->algorithm().workspace_bytes; }

  /// Runs it once on these operands and waits. For what needs a workspace, one is made for this run.
  void run(std::initializer_list<void*> operands) const;

 private:
  measure::Backend* backend_;
  std::unique_ptr<measure::Plan> plan_;
};

}  // namespace gemmetry::run
