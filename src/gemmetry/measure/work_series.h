#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gemmetry/measure/record.h"

namespace gemmetry::measure {

/// Records that are equal in all but one size, that size ascending: more and more work.
struct WorkSeries {
  struct Point {
    std::int64_t size = 0;
    std::size_t record = 0;  ///< its index in what `work_series` was given
  };

  std::string size_name;      ///< "m", "keys", ...
  std::vector<Point> points;  ///< at least two; takes of the same operator stand side by side
};

/// The largest power of two that divides a size counts to this one: longer vectors than 32 bytes gain nothing.
inline constexpr std::int64_t widest_alignment = 16;

/// All series among the records, each of one alignment class of its size: kernels for k = 4097 are far slower than for
/// k = 4104. A record is in one series for each of its sizes. Left out are sizes that are no work: an attention's KV
/// heads (more of them spread better over the SMs) and its window (0 stands for all keys). Those without a time are
/// for the caller to leave out.
std::vector<WorkSeries> work_series(const std::vector<const Record*>& records);

}  // namespace gemmetry::measure
