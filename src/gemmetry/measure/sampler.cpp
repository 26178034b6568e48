#include "gemmetry/measure/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "gemmetry/measure/shuffle.h"
#include "gemmetry/measure/statistics.h"

namespace gemmetry::measure {
namespace {

constexpr double replay_s = 1e-3;
constexpr double idle_s = 3e-3;
/// A burst below this share of the highest clock was throttled, by what ran before it as a rule: it is set aside, the
/// device rests, and the burst is taken again. Where that does not help, and where a single replay is long enough to
/// throttle itself, it is kept as it is, with its clock.
constexpr double burst_clock = 0.97;
constexpr double rest_s = 50e-3;
constexpr int most_rests = 3;
constexpr double longest_burst_s = 5e-3;
/// Replays that one call of the backend makes when the device is not to rest.
constexpr double group_s = 10e-3;

/// Soaking ends when the two halves of the last ten spans, a second, differ by less than half a per cent.
constexpr std::size_t soak_spans = 10;
constexpr double soak_span_s = 0.1;
constexpr double flat = 0.005;
constexpr double longest_cold_soak_s = 30;
/// A device that has just worked is warm, but the power controller follows what each operator draws anew: on an H200 it
/// lets products run some 2 % too fast for half a second, then up to 10 % too slow, and has settled after two to three.
constexpr double longest_warm_soak_s = 4;
constexpr double short_pause_s = 0.5;
/// The controller goes on swinging a little; samples of one of its swings would tell half of it.
constexpr double least_sustained_s = 0.25;

std::int32_t replays_in(double seconds, double one_s) {
  return one_s > 0 ? static_cast<std::int32_t>(std::clamp(std::ceil(seconds / one_s), 1.0, 1000.0)) : 1;
}

bool is_flat(const std::vector<double>& figures) {
  if (figures.size() < soak_spans) return false;
  const std::span<const double> last = std::span(figures).last(soak_spans);
  const double before = median(last.first(soak_spans / 2));
  const double after = median(last.last(soak_spans / 2));
  return std::abs(after - before) < flat * before;
}

/// A span of the monitor's that ends even when measuring fails.
class Watch {
 public:
  explicit Watch(ClockMonitor& monitor) : monitor_(monitor) { monitor_.start(); }
  ~Watch() {
    if (!ended_) monitor_.stop();
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  ClockReading end() {
    ended_ = true;
    return monitor_.stop();
  }

 private:
  ClockMonitor& monitor_;
  bool ended_ = false;
};

}  // namespace

Sampler::Sampler(Backend& backend, ClockMonitor& monitor, Sampling sampling, HostClock* clock)
    : backend_(backend), monitor_(monitor), sampling_(sampling), clock_(clock ? *clock : own_clock_) {}

Measurement Sampler::measure(Subject& subject) { return std::move(alternate({&subject}).front()); }

std::vector<Measurement> Sampler::alternate(const std::vector<Subject*>& subjects) {
  const bool sustained = sampling_.clocks == gpu::Clocks::sustained;
  std::vector<Arm> arms;
  std::vector<Measurement> results(subjects.size());
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    results[i].overhead_s = overhead(subjects[i]->footing().replay);
    arms.emplace_back(backend_, *subjects[i], replay_s, sustained);
    results[i].calls_per_sample = arms.back().executions();
  }
  if (arms.empty()) return results;
  if (sustained) soak(arms);
  busy_until_s_ = clock_.now_s();

  std::vector<std::vector<double>> samples_s;
  Ending ended{};
  ClockReading clocks;
  for (int rests = 0; rests == 0 || (rests <= most_rests && is_throttled(arms, clocks)); ++rests) {
    if (rests > 0) clock_.wait_s(rest_s);
    samples_s.assign(arms.size(), {});
    Watch watch(monitor_);
    ended = take_samples(arms, samples_s);
    clocks = watch.end();
  }

  for (std::size_t i = 0; i < arms.size(); ++i) {
    Measurement& result = results[i];
    result.samples_s = std::move(samples_s[i]);
    result.median_s = median(result.samples_s);
    result.p10_s = quantile(result.samples_s, 0.1);
    result.p90_s = quantile(result.samples_s, 0.9);
    result.precision = median_precision(result.samples_s);
    result.ending = ended;
    result.clocks = clocks;
  }
  return results;
}

bool Sampler::is_throttled(const std::vector<Arm>& arms, const ClockReading& clocks) const {
  const std::optional<double> most = monitor_.max_clock_mhz();
  const auto short_enough = [](const Arm& arm) { return arm.replay_s() <= longest_burst_s; };
  return sampling_.clocks == gpu::Clocks::burst && most && clocks.clock_low_mhz &&
         *clocks.clock_low_mhz < burst_clock * *most && std::all_of(arms.begin(), arms.end(), short_enough);
}

Ending Sampler::take_samples(std::vector<Arm>& arms, std::vector<std::vector<double>>& samples_s) {
  const bool burst = sampling_.clocks == gpu::Clocks::burst;
  std::vector<std::size_t> order(arms.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const double began_s = clock_.now_s();
  while (true) {
    shuffle(order, ++rounds_);
    // Arms that are compared take turns; one alone goes on without a gap.
    const auto taken = static_cast<std::int32_t>(samples_s.front().size());
    const std::int32_t group = burst || arms.size() > 1 ? 1
                                                        : std::clamp(replays_in(group_s, arms.front().replay_s()), 1,
                                                                     std::max(1, sampling_.max_samples - taken));
    for (const std::size_t index : order) {
      if (burst) clock_.wait_s(std::max(0.0, busy_until_s_ + idle_s - clock_.now_s()));
      arms[index].replay(group, samples_s[index]);
      busy_until_s_ = clock_.now_s();
    }
    if (const auto reason = ending(samples_s, busy_until_s_ - began_s)) return *reason;
  }
}

std::optional<Ending> Sampler::ending(const std::vector<std::vector<double>>& samples_s, double elapsed_s) const {
  const auto precise = [&](const std::vector<double>& samples) {
    return median_precision(samples) <= sampling_.precision;
  };
  const auto taken = static_cast<std::int32_t>(samples_s.front().size());
  const bool long_enough = sampling_.clocks == gpu::Clocks::burst || elapsed_s >= least_sustained_s;
  if (long_enough && taken >= sampling_.min_samples && std::all_of(samples_s.begin(), samples_s.end(), precise))
    return Ending::precision;
  if (taken >= sampling_.max_samples) return Ending::samples;
  if (elapsed_s >= sampling_.time_cap_s * static_cast<double>(samples_s.size())) return Ending::time_cap;
  return std::nullopt;
}

/// Works for at least so long and gives the time of one round of all arms.
double Sampler::work(std::vector<Arm>& arms, double seconds) {
  const double began_s = clock_.now_s();
  std::vector<double> times_s;
  double total_s = 0;
  double rounds = 0;
  do {
    for (Arm& arm : arms) {
      times_s.clear();
      arm.replay(replays_in(group_s, arm.replay_s()), times_s);
      total_s += std::accumulate(times_s.begin(), times_s.end(), 0.0) / static_cast<double>(times_s.size());
    }
    ++rounds;
  } while (clock_.now_s() - began_s < seconds);
  return total_s / rounds;
}

void Sampler::soak(std::vector<Arm>& arms) {
  const bool warm = soaked_ && clock_.now_s() - busy_until_s_ < short_pause_s;
  const double longest_s = warm ? longest_warm_soak_s : longest_cold_soak_s;
  const double began_s = clock_.now_s();
  std::vector<double> figures;
  while (!is_flat(figures) && clock_.now_s() - began_s < longest_s) {
    Watch watch(monitor_);
    const double time_s = work(arms, soak_span_s);
    // The time is finer than the clock, whose steps are one per cent; from rest the clock tells what time does not.
    const ClockReading clocks = watch.end();
    figures.push_back(warm ? time_s : clocks.clock_mhz.value_or(time_s));
  }
  soaked_ = true;
}

/// Measured once; 0 where the backend records nothing that is empty.
double Sampler::overhead(Replay replay) {
  const auto known = overhead_s_.find(replay);
  if (known != overhead_s_.end()) return known->second;
  const auto lost = [](const Status& status) { return status.code == StatusCode::device_lost; };
  double& result = overhead_s_[replay];
  Recording* made = nullptr;
  const Status recorded = backend_.record(nullptr, 0, replay, &made);
  const std::unique_ptr<Recording> recording(made);
  if (lost(recorded)) throw BackendError(recorded);
  if (!recorded.ok()) return result;
  std::vector<double> times_s(10);
  const Status timed = backend_.time(recording.get(), static_cast<std::int32_t>(times_s.size()), times_s.data());
  if (lost(timed)) throw BackendError(timed);
  if (timed.ok()) result = median(std::span(times_s).subspan(1));
  return result;
}

}  // namespace gemmetry::measure
