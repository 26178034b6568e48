#pragma once

namespace gemmetry::cli {

/// While it lives, the first Ctrl-C is noted instead of ending the program; the second ends it as usual.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool requested() const;
};

}  // namespace gemmetry::cli
