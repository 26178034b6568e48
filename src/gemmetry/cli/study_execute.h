#pragma once

#include <CLI/CLI.hpp>

#include "gemmetry/cli/command.h"

namespace gemmetry::cli {

/// Adds `study execute`.
void add_study_execute(CLI::App& study, Command& chosen);

}  // namespace gemmetry::cli
