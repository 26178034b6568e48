#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gemmetry/op/cost_model.h"

namespace gemmetry::cli {

/// A product that differs from another in one size.
struct Neighbour {
  char size = 'n';          ///< 'm', 'n' or 'k'
  std::int64_t value = 0;   ///< of that size
  std::int64_t change = 0;  ///< how much larger; negative when smaller
  op::Cost cost;
  op::Ratio faster;      ///< time of the given product over this one's, 90 % interval
  std::string sentence;  ///< "n=10928: 1.70x faster for 6 more columns"
};

/// The neighbours worth taking, most gained per element first: of m, n and k the next multiples of 8 to 128 above, and
/// those just below, that are faster for each element of the product; of two with the same gain the smaller change.
std::vector<Neighbour> neighbours(const op::Gemm& gemm, const op::CostModel& costs);

}  // namespace gemmetry::cli
