#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

namespace gemmetry::cli {

enum class Shell { bash, zsh, fish };

std::string_view name(Shell shell);

/// A completion script made from the program's own options, so that it knows what the program knows.
std::string completion_script(const CLI::App& app, Shell shell);

}  // namespace gemmetry::cli
