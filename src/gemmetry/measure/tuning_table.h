#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gemmetry/measure/backend.h"
#include "gemmetry/op/operator.h"

namespace gemmetry::measure {

/// The best algorithm of an operator on a GPU with one version of the library.
struct TunedAlgorithm {
  std::string gpu;      ///< "NVIDIA H200"
  std::string library;  ///< "cublasLt 13.1.0"
  op::Operator op;
  AlgorithmInfo best;  ///< its key makes it again
  double best_s = 0;
  AlgorithmInfo first;  ///< what the library chooses itself
  double first_s = 0;
};

/// The best algorithms that are known, of any GPU and library version. It travels as a JSON file.
class TuningTable {
 public:
  TuningTable() = default;

  /// Error naming the file and, where it is malformed, the place and the value.
  static TuningTable load(const std::string& path);
  /// The same from a text; `source` is what messages call it.
  static TuningTable parse(std::string_view text, const std::string& source);

  /// Writes beside the file and then takes its place, so that a reader sees the old table or the new one. Error naming
  /// the file.
  void save(const std::string& path) const;
  std::string text() const;

  /// Takes the place of the entry of the same operator, GPU and library version.
  void put(TunedAlgorithm entry);
  /// Puts all of the other table's.
  void merge(const TuningTable& other);

  /// Null where the operator was not tuned on this GPU with this version of the library. Stays until the next change.
  const TunedAlgorithm* find(const op::Operator& op, std::string_view gpu, std::string_view library) const;

  const std::vector<TunedAlgorithm>& entries() const { return entries_; }

 private:
  std::vector<TunedAlgorithm> entries_;
  std::unordered_multimap<op::Operator, std::size_t, op::OperatorHash> places_;
};

}  // namespace gemmetry::measure
