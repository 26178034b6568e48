#include "gemmetry/calibrate/fitter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <string>

#include "gemmetry/base/error.h"

namespace gemmetry::calibrate {
namespace {

/// Starts are tried on so many samples; the best goes on with all.
constexpr std::size_t most_trial_samples = 1200;
constexpr int trial_steps = 15;
constexpr int final_steps = 40;
/// How far random starts are from the present place, in shares of the range (standard deviation).
constexpr double wandering = 0.2;
/// What decides between coefficients that the samples do not tell apart: as `prior`.
constexpr double weak_prior = 30;

/// Signed square root of a loss that is quadratic within typical_error and linear beyond: its square is what least
/// squares add up, and a few wild samples do not lead the fit.
double robust(double error) {
  constexpr double scale = Fitter::typical_error;
  const double loss = 2 * scale * scale * (std::sqrt(1 + error * error / (scale * scale)) - 1);
  return std::copysign(std::sqrt(loss), error);
}

/// 0 to 1, the same everywhere for a seed.
double uniform(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

/// Near enough a normal distribution of deviation 1: the sum of twelve uniform numbers less six.
double roughly_normal(std::mt19937_64& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += uniform(random);
  return sum;
}

/// The predictors of one calibration for the ways that samples were measured.
class Predictors {
 public:
  Predictors(const gpu::Gpu& gpu, const gpu::Node& node, const gpu::Calibration& calibration)
      : gpu_(gpu), node_(node), calibration_(calibration) {}

  double time_s(const Sample& sample) {
    const auto key = std::pair(sample.how.clocks, sample.how.launch);
    auto found = made_.find(key);
    if (found == made_.end())
      found = made_.emplace(key, predict::Predictor(gpu_, node_, calibration_, sample.how)).first;
    return found->second.cost(sample.op).time_s;
  }

 private:
  const gpu::Gpu& gpu_;
  const gpu::Node& node_;
  const gpu::Calibration& calibration_;
  std::map<std::pair<gpu::Clocks, predict::Launch>, predict::Predictor> made_;
};

/// Samples of the way that coefficients are about: bursts from a graph where there are any.
template <class Samples>
void keep_bursts(Samples& samples) {
  const auto is_burst = [](const auto& one) {
    const predict::Predictor::Options& how = one.second.how;
    return how.clocks == gpu::Clocks::burst && how.launch == predict::Launch::graph;
  };
  if (std::any_of(samples.begin(), samples.end(), is_burst))
    std::erase_if(samples, [&](const auto& one) { return !is_burst(one); });
}

}  // namespace

Fitter::Fitter(gpu::Gpu gpu, gpu::Node node, gpu::Calibration start, std::span<const Sample> samples,
               FitOptions options)
    : gpu_(std::move(gpu)), node_(std::move(node)), calibration_(std::move(start)), options_(std::move(options)) {
  const predict::Predictor predictor(gpu_, node_, calibration_, {});
  for (const Sample& sample : samples)
    if (!sample.held_out)
      if (const Group* group = group_of(sample.op, predictor)) samples_.emplace_back(*group, sample);
}

std::size_t Fitter::count(Group group) const { return weighted(group).size(); }

/// Weights have a mean of 1. Every size and alignment of a dtype has the same sum; dtypes have the square root of how
/// many samples they have, so that the few of a rare one are heard and do not rule.
std::vector<Fitter::Weighted> Fitter::weighted(Group group) const {
  std::vector<std::pair<Group, Sample>> chosen;
  std::copy_if(samples_.begin(), samples_.end(), std::back_inserter(chosen),
               [&](const auto& one) { return one.first == group; });
  keep_bursts(chosen);
  std::map<ShapeClass, double> in_class;
  std::map<std::string, double> in_dtype;
  for (const auto& [of, sample] : chosen) {
    ++in_class[sample.shape_class];
    ++in_dtype[sample.shape_class.dtype];
  }
  std::map<std::string, double> classes;
  for (const auto& [one, count] : in_class) ++classes[one.dtype];
  std::vector<Weighted> samples;
  double sum = 0;
  for (auto& [of, sample] : chosen) {
    const std::string& dtype = sample.shape_class.dtype;
    const double weight = std::sqrt(in_dtype[dtype]) / (classes[dtype] * in_class[sample.shape_class]);
    sum += weight;
    samples.push_back({std::move(sample), weight});
  }
  for (Weighted& one : samples) one.weight *= static_cast<double>(samples.size()) / sum;
  return samples;
}

double Fitter::error(const gpu::Calibration& calibration, std::span<const Weighted> samples) const {
  Predictors predictors(gpu_, node_, calibration);
  double sum = 0;
  for (const auto& [sample, weight] : samples)
    sum += weight * std::abs(std::log(predictors.time_s(sample) / sample.time_s));
  return samples.empty() ? 0 : sum / static_cast<double>(samples.size());
}

GroupFit Fitter::fit(Group group) {
  std::vector<Weighted> samples = weighted(group);
  GroupFit result{group, samples.size(), 0, 0, parameters_of(group, calibration_)};
  const std::vector<Parameter>& parameters = result.parameters;
  if (samples.size() < parameters.size() && options_.prior == 0)
    throw Error(fmt::format("{}: {} records to fit {} coefficients to; measure more", name(group), samples.size(),
                            parameters.size()));
  result.before = error(calibration_, samples);

  std::vector<Range> ranges;
  std::vector<double> present;
  for (const Parameter& parameter : parameters) {
    ranges.push_back(parameter.range);
    present.push_back(parameter.get(calibration_));
  }
  const auto with = [&](std::span<const double> x) {
    gpu::Calibration calibration = calibration_;
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].set(calibration, x[i]);
    return calibration;
  };
  const double prior = options_.prior > 0 ? options_.prior : weak_prior;
  const auto minimise = [&](std::span<const Weighted> chosen, std::span<const double> from, int steps) {
    const auto residuals = [&](std::span<const double> x, std::span<double> values) {
      const gpu::Calibration calibration = with(x);
      Predictors predictors(gpu_, node_, calibration);
      for (std::size_t i = 0; i < chosen.size(); ++i) {
        const auto& [sample, weight] = chosen[i];
        values[i] = std::sqrt(weight) * robust(std::log(predictors.time_s(sample) / sample.time_s));
      }
      for (std::size_t i = 0; i < x.size(); ++i) {
        const Range& range = ranges[i];
        const double span = range.low > 0 ? std::log(range.high / range.low) : 1;
        values[chosen.size() + i] =
            typical_error * span * (share_of(range, x[i]) - share_of(range, present[i])) / prior;
      }
    };
    return least_squares(residuals, chosen.size() + parameters.size(), ranges, from,
                         {options_.threads, steps, options_.stop});
  };

  std::mt19937_64 random(options_.seed);
  std::vector<Weighted> trial = samples;
  for (std::size_t i = trial.size(); i > 1; --i) std::swap(trial[i - 1], trial[random() % i]);
  trial.resize(std::min(trial.size(), most_trial_samples));
  LeastSquares best;
  for (int start = 0; start < options_.starts && !(options_.stop && options_.stop()); ++start) {
    std::vector<double> from = present;
    for (std::size_t i = 0; start > 0 && i < from.size(); ++i)
      from[i] = value_at(ranges[i], share_of(ranges[i], present[i]) + wandering * roughly_normal(random));
    const LeastSquares found = minimise(trial, from, trial_steps);
    if (start == 0 || found.sum < best.sum) best = found;
    if (options_.progress) options_.progress({group, start + 1, options_.starts, error(with(best.x), trial)});
  }
  if (!best.x.empty()) {
    best = minimise(samples, best.x, final_steps);
    const gpu::Calibration fitted = with(best.x);
    result.after = error(fitted, samples);
    if (result.after < result.before)
      calibration_ = fitted;
    else
      result.after = result.before;
  }
  return result;
}

}  // namespace gemmetry::calibrate
