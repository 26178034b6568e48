#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gemmetry/calibrate/error_statistics.h"
#include "gemmetry/calibrate/fitter.h"
#include "gemmetry/calibrate/shape_class.h"
#include "gemmetry/gpu/calibration.h"

namespace gemmetry::calibrate {

/// What a fit rests on.
struct Provenance {
  std::vector<std::string> files;  ///< their names, without folders
  SampleCount records;
  std::set<std::string> devices;  ///< what the records name, "NVIDIA H200, driver 580.159, CUDA 13.0, cublasLt 13.1.0"
  std::string first_time;         ///< of the records; empty where they do not say
  std::string last_time;
  std::uint64_t seed = 1;
  std::string tool;  ///< version of gemmetry that fitted
};

/// Takes the devices and times of records that were used.
void add(Provenance& provenance, const std::vector<measure::Record>& records, const std::string& gpu);

/// The text of a calibration's file, coefficients to five digits.
/// `held_out`: errors on sites that were not fitted.
std::string calibration_text(const gpu::Calibration& calibration, const Provenance& provenance,
                             const std::vector<GroupFit>& fits, const std::map<ShapeClass, ErrorStatistics>& held_out);

}  // namespace gemmetry::calibrate
