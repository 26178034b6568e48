#include "gemmetry/calibrate/cross_validation.h"

#include <algorithm>

#include "gemmetry/measure/site.h"

namespace gemmetry::calibrate {
namespace {

constexpr std::uint64_t folds = 5;
constexpr int most_starts = 3;

/// Other bits than those that hold sites out.
std::uint64_t fold_of(const Sample& sample) { return (measure::site_hash(measure::site_of(sample.op)) >> 32) % folds; }

void add_judgements(std::vector<Judgement>& all, const gpu::Gpu& gpu, const gpu::Node& node,
                    const gpu::Calibration& calibration, std::span<const Sample> samples) {
  Predictors predictors(gpu, node, calibration);
  std::vector<Judgement> more = judge(samples, predictors);
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

std::vector<Judgement> cross_validated(const gpu::Gpu& gpu, const gpu::Node& node, const gpu::Calibration& start,
                                       const gpu::Calibration& fitted, std::span<const Sample> samples,
                                       std::span<const Group> groups, const FitOptions& options) {
  std::vector<Sample> usable;
  std::copy_if(samples.begin(), samples.end(), std::back_inserter(usable),
               [](const Sample& sample) { return !sample.held_out && sample.how.launch == predict::Launch::graph; });
  std::vector<Judgement> judgements;
  if (usable.size() >= enough_samples) {
    add_judgements(judgements, gpu, node, fitted, usable);
    return judgements;
  }
  FitOptions quiet = options;
  quiet.starts = std::min(options.starts, most_starts);
  quiet.progress = nullptr;
  for (std::uint64_t fold = 0; fold < folds; ++fold) {
    std::vector<Sample> others;
    std::vector<Sample> left;
    for (const Sample& sample : usable) (fold_of(sample) == fold ? left : others).push_back(sample);
    Fitter fitter(gpu, node, start, others, quiet);
    for (const Group group : groups)
      if (fitter.can_fit(group)) fitter.fit(group);
    add_judgements(judgements, gpu, node, fitter.calibration(), left);
  }
  return judgements;
}

}  // namespace gemmetry::calibrate
