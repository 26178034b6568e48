#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/study/study.h"

namespace gemmetry::study {

/// Reads a study from the text of its file (docs/studies.md lays out the format). Every key, word, name in a formula,
/// series in a claim and kind of operator is checked here, so that only a size that is impossible at some point is left
/// for points_of. Error of one line naming source, key, value and fix.
Study study_from_json(std::string_view text, const std::string& name, const std::string& source);

/// The study of that name, or from a path ending in ".json". Error naming the nearest otherwise.
Study load_study(const std::string& name_or_path);

/// In the order of their files' names.
std::vector<std::string> study_names();

}  // namespace gemmetry::study
