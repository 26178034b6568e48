#pragma once

#include <span>
#include <vector>

#include "gemmetry/calibrate/fitter.h"
#include "gemmetry/calibrate/judgement.h"

namespace gemmetry::calibrate {

/// From so many samples on, errors on what was fitted are those on anything else: no model has a hundredth as many
/// coefficients.
inline constexpr std::size_t enough_samples = 3000;

/// The samples that are not held out and were launched from a graph (a host's launches are no error of a kernel's),
/// each predicted by a calibration that was fitted without its site: five times, to four fifths of the sites. For
/// enough_samples and more, by the one that was fitted to all, `fitted`.
std::vector<Judgement> cross_validated(const gpu::Gpu& gpu, const gpu::Node& node, const gpu::Calibration& start,
                                       const gpu::Calibration& fitted, std::span<const Sample> samples,
                                       std::span<const Group> groups, const FitOptions& options);

}  // namespace gemmetry::calibrate
