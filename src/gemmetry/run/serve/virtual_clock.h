#pragma once

#include <algorithm>

#include "gemmetry/measure/host_clock.h"

namespace gemmetry::run {

/// A clock that only waiting moves: engines that price work wait for as long as it takes.
class VirtualClock final : public measure::HostClock {
 public:
  double now_s() override { return now_s_; }
  void wait_s(double seconds) override { now_s_ += std::max(seconds, 0.0); }

 private:
  double now_s_ = 0;
};

}  // namespace gemmetry::run
