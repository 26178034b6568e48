#pragma once

#include <cstdint>
#include <string>

namespace gemmetry::report {

/// How one product's tiles fall on the SMs.
struct Waves {
  std::int64_t sms = 0;
  std::int64_t tiles = 0;
  std::int64_t waves = 0;
  double last_wave_use = 1;  ///< share of the SMs busy in the last wave
};

/// The waves as a drawing at most 100 characters wide: one mark per SM, filled where it has a tile. Equal waves are
/// drawn once.
std::string wave_picture(const Waves& waves);

}  // namespace gemmetry::report
