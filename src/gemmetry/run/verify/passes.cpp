#include "gemmetry/run/verify/passes.h"

#include <algorithm>

namespace gemmetry::run {

std::vector<std::vector<std::size_t>> verification_passes(std::span<const Drafts* const> requests,
                                                          const PassShape& shape) {
  std::vector<std::size_t> order;
  std::vector<std::size_t> early;
  for (std::size_t i = 0; i < requests.size(); ++i)
    if (requests[i]->unverified() > 0) (requests[i]->ready(shape.window) ? order : early).push_back(i);
  const auto batch = static_cast<std::size_t>(shape.batch);
  const std::size_t passes = (order.size() + batch - 1) / batch;
  early.resize(std::min(early.size(), passes * batch - order.size()));
  order.insert(order.end(), early.begin(), early.end());

  std::vector<std::vector<std::size_t>> all;
  for (std::size_t begin = 0; begin < order.size(); begin += batch)
    all.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(begin),
                     order.begin() + static_cast<std::ptrdiff_t>(std::min(begin + batch, order.size())));
  return all;
}

}  // namespace gemmetry::run
