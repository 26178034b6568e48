#include "gemmetry/advise/pareto_front.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace gemmetry::advise {
namespace {

constexpr double box_width = 0.01;  // of the logarithm of a time

double box_of(double time_s) { return std::floor(std::log(time_s) / box_width); }

template <class Box>
bool no_worse(const Box& a, const Box& b) {
  return a[0] <= b[0] && a[1] <= b[1] && a[2] <= b[2];
}

}  // namespace

void ParetoFront::offer(const Tradeoff& tradeoff) {
  const Box box{box_of(tradeoff.found.time_s), box_of(tradeoff.decode_time_s), tradeoff.kv_bytes};
  for (std::size_t i = 0; i < front_.size(); ++i) {
    if (!no_worse(front_[i].box, box)) continue;
    if (front_[i].box == box && tradeoff.found < front_[i].tradeoff.found) front_[i].tradeoff = tradeoff;
    // The next shape is most likely beaten by the same one.
    std::swap(front_[i], front_[i / 2]);
    return;
  }
  std::erase_if(front_, [&](const Kept& kept) { return no_worse(box, kept.box); });
  front_.push_back({box, tradeoff});
}

void ParetoFront::offer(const ParetoFront& others) {
  for (const Kept& kept : others.front_) offer(kept.tradeoff);
}

std::vector<Tradeoff> ParetoFront::sorted(std::size_t most) const {
  std::vector<Tradeoff> all;
  for (const Kept& kept : front_) all.push_back(kept.tradeoff);
  std::ranges::sort(all, {}, &Tradeoff::found);
  if (all.size() <= most || most < 2) {
    all.resize(std::min(all.size(), most));
    return all;
  }
  std::vector<Tradeoff> spread;
  for (std::size_t i = 0; i < most; ++i) spread.push_back(all[i * (all.size() - 1) / (most - 1)]);
  return spread;
}

}  // namespace gemmetry::advise
