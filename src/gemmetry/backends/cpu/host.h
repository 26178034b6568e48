#pragma once

#include <cstdint>
#include <string>

namespace gemmetry::backends::cpu {

/// The processor's name from /proc/cpuinfo; "CPU" where that does not say.
std::string processor_name();

/// Its highest clock; 0: unknown.
double clock_hz();

/// Of the last level of cache; 0: unknown.
std::int64_t cache_bytes();

struct Memory {
  std::int64_t total_bytes = 0;
  std::int64_t available_bytes = 0;  ///< without swapping, and within the control group's limit
};

Memory memory();

}  // namespace gemmetry::backends::cpu
