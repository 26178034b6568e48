#pragma once

#include <filesystem>
#include <string>

namespace gemmetry::cli {

/// The folder `part` of the data that is too large to be in the program, "measured". It is looked for in $GEMMETRY_DATA
/// alone where that is set; else where gemmetry was installed, then in a folder data beside the program or above it, as
/// in a build folder of the sources. Empty where there is none.
std::filesystem::path find_data(const std::string& part);

/// "no folder measured in /opt/share/gemmetry or ...": where it was looked for, and the fix.
std::string missing_data(const std::string& part);

}  // namespace gemmetry::cli
