#include "gemmetry/measure/tuner.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "gemmetry/measure/statistics.h"

namespace gemmetry::measure {
namespace {

/// How many of the candidates are measured with care.
std::size_t finalists(std::int32_t candidates) {
  return static_cast<std::size_t>(std::clamp<std::int32_t>(candidates / 8, 1, 4));
}

constexpr Sampling quick{.min_samples = 2, .max_samples = 2};
/// Enough bursts that a gain of half a per cent stands out of the usual noise.
constexpr Sampling careful{.precision = 0.001, .min_samples = 15, .max_samples = 31};

std::vector<Subject*> pointers(const std::vector<std::unique_ptr<Subject>>& subjects) {
  std::vector<Subject*> result;
  for (const auto& subject : subjects) result.push_back(subject.get());
  return result;
}

/// Of each sample of `rival` over the sample of `first` taken beside it.
std::vector<double> gains(const Measurement& first, const Measurement& rival) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < rival.samples_s.size(); ++i) ratios.push_back(first.samples_s[i] / rival.samples_s[i]);
  return ratios;
}

}  // namespace

Tuner::Tuner(Backend& backend, const DeviceInfo& device, ClockMonitor& monitor, HostClock* clock, Check check,
             std::int32_t candidates)
    : backend_(backend),
      device_(device),
      check_(std::move(check)),
      candidates_(candidates),
      quick_(backend, monitor, quick, clock),
      careful_(backend, monitor, careful, clock) {
  if (!check_)
    check_ = [](Backend& b, const op::Operator& op, const Call& call, std::uint64_t seed) {
      return verify(b, op, call, seed);
    };
}

Tuning Tuner::tune(const op::Operator& op, Footing footing) {
  Subject first(backend_, device_, op, nullptr, footing);
  std::string why;
  if (!is_right(op, first, why))
    throw Error(fmt::format("the first choice for a {}, {}, is wrong: {}", kind(op), first.algorithm().kernel, why));
  Tuning tuning;
  tuning.first = first.algorithm();
  Subjects others = rivals(first, tuning, op);
  if (others.size() > finalists(candidates_)) sort_by_speed(others);
  keep_right(op, others, tuning);
  decide(first, others, tuning);
  return tuning;
}

bool Tuner::is_right(const op::Operator& op, const Subject& subject, std::string& why) const {
  const Verdict verdict = check_(backend_, op, subject.calls(0).front(), subject.footing().seed);
  why = verdict.message;
  if (verdict.code == StatusCode::device_lost) {
    Status lost;
    lost.code = verdict.code;
    const std::size_t length = std::min(why.size(), sizeof lost.message - 1);
    std::copy_n(why.begin(), length, lost.message);
    throw BackendError(lost);
  }
  return verdict.code == StatusCode::ok && verdict.right;
}

/// All that can be planned, on the first choice's buffers.
Tuner::Subjects Tuner::rivals(const Subject& first, Tuning& tuning, const op::Operator& op) {
  std::vector<AlgorithmInfo> infos(static_cast<std::size_t>(candidates_) + 1);  // the first choice is one of them
  require(backend_.algorithms(op, infos.data(), candidates_ + 1, &tuning.proposed));
  infos.resize(static_cast<std::size_t>(tuning.proposed));
  Subjects result;
  for (const AlgorithmInfo& info : infos) {
    if (std::string_view(info.key) == tuning.first.key) continue;
    try {
      result.push_back(std::make_unique<Subject>(first, info.key));
    } catch (const BackendError& error) {
      if (error.code() == StatusCode::device_lost) throw;
      tuning.refused.push_back(fmt::format("{}: {}", info.kernel, error.what()));
    }
  }
  return result;
}

void Tuner::sort_by_speed(Subjects& rivals) {
  const std::vector<Measurement> times = quick_.alternate(pointers(rivals));
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t i = 0; i < times.size(); ++i) order.emplace_back(times[i].median_s, i);
  std::sort(order.begin(), order.end());
  Subjects sorted;
  for (const auto& [time_s, index] : order) sorted.push_back(std::move(rivals[index]));
  rivals = std::move(sorted);
}

/// The first few that are right. Only the fast are checked: the oracle takes longer than the device.
void Tuner::keep_right(const op::Operator& op, Subjects& rivals, Tuning& tuning) {
  Subjects kept;
  for (auto& rival : rivals) {
    if (kept.size() == finalists(candidates_)) break;
    std::string why;
    if (is_right(op, *rival, why))
      kept.push_back(std::move(rival));
    else
      tuning.refused.push_back(fmt::format("{}: {}", rival->algorithm().kernel, why));
  }
  rivals = std::move(kept);
}

void Tuner::decide(Subject& first, Subjects& rivals, Tuning& tuning) {
  std::vector<Subject*> field = pointers(rivals);
  field.insert(field.begin(), &first);
  const std::vector<Measurement> times = careful_.alternate(field);
  tuning.first_s = times.front().median_s;
  tuning.best = tuning.first;
  tuning.best_s = tuning.first_s;
  double best_gain = 1;
  for (std::size_t i = 1; i < field.size(); ++i) {
    const std::vector<double> ratios = gains(times.front(), times[i]);
    const double gain = median(ratios);
    const bool certain = ratios.size() >= least_samples && median_interval(ratios).low > least_gain;
    if (!certain || gain <= best_gain) continue;
    best_gain = gain;
    tuning.best = field[i]->algorithm();
    tuning.best_s = tuning.first_s / gain;
  }
}

}  // namespace gemmetry::measure
