#include "gemmetry/calibrate/fitter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>

#include "gemmetry/base/error.h"
#include "gemmetry/calibrate/predictors.h"

namespace gemmetry::calibrate {
namespace {

/// A group without a prior is not fitted to fewer.
constexpr std::size_t least_samples = 30;
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

bool is_burst(const Sample& sample) {
  return sample.how.clocks == gpu::Clocks::burst && sample.how.launch == predict::Launch::graph;
}

double predicted_s(Predictors& predictors, const Sample& sample) {
  const predict::Predictor& predictor = predictors.of(sample);
  return is_burst(sample) ? predictor.structured_time(sample.op) : predictor.cost(sample.op).time_s;
}

/// Where a fit of the power begins: what large GPUs draw, as shares of their limit.
gpu::PowerCoefficients usual_power(double limit_w) {
  return {.idle_w = 0.15 * limit_w, .busy_w = 0.1 * limit_w, .tensor_w = 0.9 * limit_w, .memory_w = 0.35 * limit_w};
}

/// What was learned on top of the group's coefficients.
std::vector<std::string_view> residuals_of(Group group) {
  switch (group) {
    case Group::gemm:
    case Group::misaligned_gemm:
      return {"gemm"};
    case Group::attention:  // decode multiplies at attention's efficiency
      return {"attention", "attention_backward", "decode"};
    case Group::decode:
      return {"decode"};
    case Group::pointwise:
      return {"row_wise"};
    case Group::power:
      return {};
  }
  return {};
}

/// Gives the calibration an efficiency of its own for each alignment that the samples have, to begin with the GPU's.
void add_alignments(gpu::Calibration& calibration, const gpu::Gpu& gpu, const std::vector<Sample>& samples) {
  for (const Sample& sample : samples)
    std::visit(
        [&]<class Op>(const Op& one) {
          if constexpr (std::is_same_v<Op, op::Gemm> || std::is_same_v<Op, op::GroupedGemm>) {
            if (!gpu.tensor_flops.contains(one.dtype)) return;
            const auto bytes = static_cast<std::int64_t>(shape::bytes_per_element(one.dtype));
            const gpu::AlignmentClass of = gpu::alignment_class(gpu, one.dtype, predict::power_of_two(one));
            calibration.alignment[bytes].emplace(of.elements, of.efficiency);
          }
        },
        sample.op);
}

}  // namespace

Fitter::Fitter(gpu::Gpu gpu, gpu::Node node, gpu::Calibration start, std::span<const Sample> samples,
               FitOptions options)
    : gpu_(std::move(gpu)), node_(std::move(node)), calibration_(std::move(start)), options_(std::move(options)) {
  std::copy_if(samples.begin(), samples.end(), std::back_inserter(samples_),
               [](const Sample& sample) { return !sample.held_out; });
  if (!options_.keep_residuals || calibration_.residuals.empty()) return;
  const predict::Predictor in_burst(gpu_, node_, calibration_, {gpu::Clocks::burst, predict::Launch::graph});
  for (Sample& sample : samples_)
    sample.time_s *= in_burst.structured_time(sample.op) / in_burst.cost(sample.op).time_s;
}

std::vector<Sample> Fitter::samples_of(Group group) const {
  if (group == Group::power) return slowed();
  const predict::Predictor predictor(gpu_, node_, calibration_, {});
  std::vector<Sample> chosen;
  for (const Sample& sample : samples_)
    if (const Group* of = group_of(sample.op, predictor); of != nullptr && *of == group) chosen.push_back(sample);
  if (std::any_of(chosen.begin(), chosen.end(), is_burst))
    std::erase_if(chosen, [](const Sample& sample) { return !is_burst(sample); });
  return chosen;
}

/// What power is fitted to: sustained samples, each with the time that it would have if the prediction of its burst
/// were right.
std::vector<Sample> Fitter::slowed() const {
  std::unordered_map<op::Operator, double, op::OperatorHash> bursts;
  for (const Sample& sample : samples_)
    if (is_burst(sample)) bursts.emplace(sample.op, sample.time_s);
  Predictors predictors(gpu_, node_, calibration_);
  const predict::Predictor& in_burst = predictors.of({gpu::Clocks::burst, predict::Launch::graph});
  std::vector<Sample> chosen;
  for (Sample sample : samples_) {
    if (sample.how.clocks != gpu::Clocks::sustained || sample.how.launch != predict::Launch::graph ||
        std::holds_alternative<op::Collective>(sample.op))
      continue;
    if (const auto burst = bursts.find(sample.op); burst != bursts.end())
      sample.time_s *= in_burst.cost(sample.op).time_s / burst->second;
    chosen.push_back(std::move(sample));
  }
  return chosen;
}

std::size_t Fitter::count(Group group) const { return samples_of(group).size(); }

bool Fitter::can_fit(Group group) const { return count(group) >= (options_.prior > 0 ? 1 : least_samples); }

/// Weights have a mean of 1. Every size and alignment of a dtype has the same sum; dtypes have the square root of how
/// many samples they have, so that the few of a rare one are heard and do not rule.
std::vector<Fitter::Weighted> Fitter::weighted(Group group) const {
  std::vector<Sample> chosen = samples_of(group);
  std::map<ShapeClass, double> in_class;
  std::map<std::string, double> in_dtype;
  for (const Sample& sample : chosen) {
    ++in_class[sample.shape_class];
    ++in_dtype[sample.shape_class.dtype];
  }
  std::map<std::string, double> classes;
  for (const auto& [one, count] : in_class) ++classes[one.dtype];
  std::vector<Weighted> samples;
  double sum = 0;
  for (Sample& sample : chosen) {
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
    sum += weight * std::abs(std::log(predicted_s(predictors, sample) / sample.time_s));
  return samples.empty() ? 0 : sum / static_cast<double>(samples.size());
}

GroupFit Fitter::fit(Group group) {
  std::vector<Weighted> samples = weighted(group);
  const double before = error(calibration_, samples);
  const gpu::Calibration present_calibration = calibration_;
  if (!options_.keep_residuals)
    for (const std::string_view name : residuals_of(group)) calibration_.residuals.erase(std::string(name));
  if (group == Group::misaligned_gemm) add_alignments(calibration_, gpu_, samples_of(group));
  if (group == Group::power && !calibration_.power) {
    if (!gpu_.power_limit_w) throw Error(fmt::format("power: the limit of {} is unknown", gpu_.title));
    calibration_.power = usual_power(*gpu_.power_limit_w);
  }
  GroupFit result{group, samples.size(), before, before, parameters_of(group, calibration_)};
  const std::vector<Parameter>& parameters = result.parameters;
  if (samples.size() < parameters.size() && options_.prior == 0)
    throw Error(fmt::format("{}: {} records to fit {} coefficients to; measure more", name(group), samples.size(),
                            parameters.size()));
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
        values[i] = std::sqrt(weight) * robust(std::log(predicted_s(predictors, sample) / sample.time_s));
      }
      for (std::size_t i = 0; i < x.size(); ++i) {
        const Range& range = ranges[i];
        const double span = range.low > 0 ? std::log(range.high / range.low) : 1;
        values[chosen.size() + i] =
            typical_error * span * (share_of(range, x[i]) - share_of(range, present[i])) / prior;
      }
    };
    return least_squares(residuals, chosen.size() + parameters.size(), ranges, from, {options_.threads, steps});
  };

  std::mt19937_64 random(options_.seed);
  std::vector<Weighted> trial = samples;
  for (std::size_t i = trial.size(); i > 1; --i) std::swap(trial[i - 1], trial[random() % i]);
  trial.resize(std::min(trial.size(), most_trial_samples));
  LeastSquares best;
  for (int start = 0; start < options_.starts; ++start) {
    std::vector<double> from = present;
    for (std::size_t i = 0; start > 0 && i < from.size(); ++i)
      from[i] = value_at(ranges[i], share_of(ranges[i], present[i]) + wandering * roughly_normal(random));
    const LeastSquares found = minimise(trial, from, trial_steps);
    if (start == 0 || found.sum < best.sum) best = found;
    if (options_.progress) options_.progress({group, start + 1, options_.starts, error(with(best.x), trial)});
  }
  if (!best.x.empty()) best = minimise(samples, best.x, final_steps);
  const gpu::Calibration fitted = best.x.empty() ? present_calibration : with(best.x);
  const double after = error(fitted, samples);
  calibration_ = after < before ? fitted : present_calibration;
  result.after = std::min(after, before);
  return result;
}

}  // namespace gemmetry::calibrate
