#pragma once

#include <cstdint>
#include <string>

namespace gemmetry::measure {

/// A process on some machine, told apart from a later one of the same number by when it started.
struct Process {
  std::string host;  ///< with the name space that its number belongs to
  std::int64_t id = 0;
  std::int64_t start = 0;  ///< in the machine's ticks; 0: unknown

  static Process self();
  bool operator==(const Process&) const = default;
};

/// Whether it has surely ended. Only processes of this host can be known to have.
bool has_ended(const Process& process);

}  // namespace gemmetry::measure
