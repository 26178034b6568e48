#include "gemmetry/measure/clock_monitor.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "gemmetry/measure/statistics.h"

namespace gemmetry::measure {
namespace {

/// Long enough that asking takes a small part of the time, short enough to meet a burst of a few milliseconds.
constexpr std::chrono::milliseconds period{4};

std::vector<double> present_values(const std::vector<ClockSample>& samples,
                                   std::optional<double> ClockSample::*member) {
  std::vector<double> values;
  for (const ClockSample& sample : samples)
    if (sample.*member) values.push_back(*(sample.*member));
  return values;
}

std::optional<double> median_of(const std::vector<ClockSample>& samples, std::optional<double> ClockSample::*member) {
  const std::vector<double> values = present_values(samples, member);
  if (values.empty()) return std::nullopt;
  return median(values);
}

ClockReading summary(const std::vector<ClockSample>& samples) {
  ClockReading reading;
  reading.clock_mhz = median_of(samples, &ClockSample::clock_mhz);
  reading.memory_clock_mhz = median_of(samples, &ClockSample::memory_clock_mhz);
  reading.power_w = median_of(samples, &ClockSample::power_w);
  reading.temperature_c = median_of(samples, &ClockSample::temperature_c);
  const std::vector<double> clocks = present_values(samples, &ClockSample::clock_mhz);
  if (!clocks.empty()) reading.clock_low_mhz = *std::min_element(clocks.begin(), clocks.end());
  std::uint64_t reasons = 0;
  for (const ClockSample& sample : samples) reasons |= sample.throttle;
  reading.throttle = throttle_words(reasons);
  return reading;
}

}  // namespace

struct ClockMonitor::Watcher {
  explicit Watcher(std::unique_ptr<ClockSource> s) : source(std::move(s)), max_clock_mhz(source->max_clock_mhz()) {
    thread = std::thread([this] { watch(); });
  }

  ~Watcher() {
    {
      const std::lock_guard lock(mutex);
      ended = true;
    }
    changed.notify_one();
    thread.join();
  }

  void watch() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return ended || watching; });
      if (ended) return;
      samples.push_back(source->read());
      changed.wait_for(lock, period, [this] { return ended || !watching; });
    }
  }

  std::unique_ptr<ClockSource> source;
  std::optional<double> max_clock_mhz;
  std::mutex mutex;  ///< of the source and of all below
  std::condition_variable changed;
  std::vector<ClockSample> samples;
  bool watching = false;
  bool ended = false;
  std::thread thread;
};

ClockMonitor::ClockMonitor(const std::string& uuid) : ClockMonitor(open_nvml(uuid)) {}

ClockMonitor::ClockMonitor(std::unique_ptr<ClockSource> source) {
  if (source) watcher_ = std::make_unique<Watcher>(std::move(source));
}

ClockMonitor::~ClockMonitor() = default;

bool ClockMonitor::present() const { return watcher_ != nullptr; }

std::optional<double> ClockMonitor::max_clock_mhz() const {
  if (!watcher_) return std::nullopt;
  return watcher_->max_clock_mhz;
}

void ClockMonitor::start() {
  if (!watcher_) return;
  {
    const std::lock_guard lock(watcher_->mutex);
    watcher_->samples.clear();
    watcher_->watching = true;
  }
  watcher_->changed.notify_one();
}

ClockReading ClockMonitor::stop() {
  if (!watcher_) return {};
  std::vector<ClockSample> samples;
  {
    const std::lock_guard lock(watcher_->mutex);
    watcher_->watching = false;
    samples.swap(watcher_->samples);
    if (samples.empty()) samples.push_back(watcher_->source->read());
  }
  watcher_->changed.notify_one();
  return summary(samples);
}

}  // namespace gemmetry::measure
