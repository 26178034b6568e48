#pragma once

#include <chrono>
#include <thread>

namespace gemmetry::measure {

/// The host's time, for idle gaps, soaking and time caps; never for the time of an operator. Tests put a virtual one in
/// its place.
class HostClock {
 public:
  virtual ~HostClock() = default;

  virtual double now_s() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }

  virtual void wait_s(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }
};

}  // namespace gemmetry::measure
