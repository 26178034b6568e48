#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "gemmetry/measure/backend.h"
#include "gemmetry/op/gemm.h"

namespace gemmetry::run {

/// Algorithms for linear layers that sum k in one piece: a row's bits then do not hang on its place among the rows nor
/// on the others. With one algorithm for several numbers of rows they do not hang on that number either. Not among them
/// are kernels that cut k as they see fit: those that say so (AlgorithmInfo::split_k of -1), and those whose workspace
/// holds a tile's sums, as kernels' does that share these out evenly (stream-K); counters of tiles take less. The
/// backend outlives it.
class SplitFree {
 public:
  /// `rows`: numbers of rows that share an algorithm, all that will be asked for; empty: each has its own.
  explicit SplitFree(measure::Backend& backend, std::vector<std::int64_t> rows = {});

  /// The key of the first that the library proposes; of shared algorithms: of those for the most rows, that is one for
  /// all. Error where there is none.
  const std::string& key(op::Gemm gemm);

 private:
  using Product = std::tuple<std::int64_t, std::int64_t, std::int64_t, shape::Dtype, op::Epilogue>;

  std::string find(const op::Gemm& gemm) const;
  bool is_whole(const op::Gemm& gemm, const char* key) const;

  measure::Backend& backend_;
  std::vector<std::int64_t> rows_;
  std::map<Product, std::string> keys_;
};

}  // namespace gemmetry::run
