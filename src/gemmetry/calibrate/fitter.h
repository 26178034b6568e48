#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "gemmetry/calibrate/parameter.h"
#include "gemmetry/calibrate/sample.h"
#include "gemmetry/gpu/node.h"

namespace gemmetry::calibrate {

struct FitProgress {
  Group group = Group::gemm;
  int start = 0;     ///< from 1
  int starts = 0;    ///< that will be made
  double error = 0;  ///< least mean absolute logarithmic error so far, classes counting alike
};

struct FitOptions {
  int starts = 8;          ///< from the present coefficients, and from random places about them
  std::uint64_t seed = 1;  ///< of those places
  std::size_t threads = 1;
  /// How sure the present coefficients are against the samples: a coefficient's logarithm that moves by so much costs
  /// as much as one sample that is off by `typical_error`. 0: they count for nothing but a tie.
  double prior = 0;
  /// Whether what was learned beyond the structured models stays: it is taken out of the samples before coefficients
  /// are fitted. Else it is dropped where coefficients below it are fitted.
  bool keep_residuals = false;
  std::function<void(const FitProgress&)> progress;
};

/// What fitting one group did.
struct GroupFit {
  Group group = Group::gemm;
  std::size_t samples = 0;
  double before = 0;  ///< mean absolute logarithmic error on the samples, classes counting alike
  double after = 0;
  std::vector<Parameter> parameters;
};

/// Fits the coefficients of a GPU's calibration to samples: the groups one after the other, each to the samples whose
/// times depend on it, those of bursts where there are any. What is minimised is the sum of the absolute logarithmic
/// errors (quadratic within typical_error), each class of shapes counting alike within its dtype. Power is fitted to
/// sustained samples; where the same operator was measured in a burst too, to how much slower it is sustained.
class Fitter {
 public:
  /// Held-out samples are left out.
  Fitter(gpu::Gpu gpu, gpu::Node node, gpu::Calibration start, std::span<const Sample> samples, FitOptions options);

  /// Error where there are fewer samples than the group has coefficients.
  GroupFit fit(Group group);

  /// Samples that a group would be fitted to.
  std::size_t count(Group group) const;
  /// Whether they are enough: 30, or any where there is a prior.
  bool can_fit(Group group) const;

  const gpu::Calibration& calibration() const { return calibration_; }

  /// Errors of this size are noise.
  static constexpr double typical_error = 0.03;

 private:
  struct Weighted {
    Sample sample;
    double weight;
  };

  std::vector<Sample> samples_of(Group group) const;
  std::vector<Sample> slowed() const;
  std::vector<Weighted> weighted(Group group) const;
  double error(const gpu::Calibration& calibration, std::span<const Weighted> samples) const;

  gpu::Gpu gpu_;
  gpu::Node node_;
  gpu::Calibration calibration_;
  std::vector<Sample> samples_;
  FitOptions options_;
};

}  // namespace gemmetry::calibrate
