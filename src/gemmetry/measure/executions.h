#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "gemmetry/measure/execution.h"

namespace gemmetry::measure {

/// Executed wholes of one GPU, in memory, to answer in the GPU's place.
class Executions {
 public:
  explicit Executions(std::vector<Execution> executions);

  /// The record of a whole at a setting; null: there is none. Of several one that is ok, then the latest.
  const Execution* find(const Whole& whole, const Setting& setting) const;

  const std::vector<Execution>& all() const { return executions_; }

 private:
  std::vector<Execution> executions_;
  std::unordered_map<std::string, std::size_t> by_question_;
};

}  // namespace gemmetry::measure
