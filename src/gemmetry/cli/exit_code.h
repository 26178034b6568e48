#pragma once

namespace gemmetry::cli {

/// What the program's exit status says; docs/cli.md repeats it.
enum ExitCode : int {
  exit_ok = 0,
  exit_finding = 1,    ///< a check found what it looks for
  exit_bad_input = 2,  ///< wrong usage or input
  exit_no_device = 3,  ///< what was asked for needs a device that is not there
};

}  // namespace gemmetry::cli
