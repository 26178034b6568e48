#pragma once

#include "gemmetry/cli/exit_code.h"

namespace gemmetry::cli {

/// The program: reads the command line, runs the subcommand, answers every failure with one line on standard error.
ExitCode run(int argc, char** argv);

}  // namespace gemmetry::cli
