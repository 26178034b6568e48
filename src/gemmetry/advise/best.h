#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "gemmetry/advise/sizes.h"

namespace gemmetry::advise {

/// A shape that a search priced.
struct Found {
  double time_s = 0;  ///< of a step
  int changes = 0;    ///< sizes that differ from the given model's
  std::int64_t parameters = 0;
  Sizes sizes;

  /// Faster first; of equal times the smaller change, the fewer parameters, the smaller sizes: total, so that a result
  /// does not depend on the order of the search.
  auto operator<=>(const Found&) const = default;  // NOLINT(modernize-use-nullptr): mistaken by clang-tidy 14
};

/// The best few of all shapes offered, in bounded memory.
class Best {
 public:
  explicit Best(std::size_t capacity) : capacity_(capacity) { heap_.reserve(capacity); }

  /// Whether a shape that takes this long could still be among the best.
  bool admits(double time_s) const { return heap_.size() < capacity_ || time_s <= heap_.front().time_s; }

  void offer(const Found& found) {
    if (heap_.size() < capacity_) {
      heap_.push_back(found);
      std::ranges::push_heap(heap_);
    } else if (capacity_ > 0 && found < heap_.front()) {
      std::ranges::pop_heap(heap_);
      heap_.back() = found;
      std::ranges::push_heap(heap_);
    }
  }

  void offer(const Best& others) {
    for (const Found& found : others.heap_) offer(found);
  }

  void clear() { heap_.clear(); }

  std::vector<Found> sorted() && {
    std::vector<Found> best = std::move(heap_);
    std::ranges::sort(best);
    return best;
  }

 private:
  std::size_t capacity_;
  std::vector<Found> heap_;  ///< the slowest in front
};

}  // namespace gemmetry::advise
