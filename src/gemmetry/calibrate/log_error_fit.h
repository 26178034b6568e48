#pragma once

#include <cstdint>
#include <span>

#include "gemmetry/calibrate/judgement.h"
#include "gemmetry/gpu/log_error.h"

namespace gemmetry::calibrate {

/// The errors that a calibration should state, by error class: together so wide that 90 % of the samples are within
/// them, and split in what neighbouring shapes share and what is each one's own by how neighbours differ. Classes of
/// under 30 samples are left out.
gpu::LogErrors log_errors_of(std::span<const Judgement> judgements, std::uint64_t seed);

}  // namespace gemmetry::calibrate
