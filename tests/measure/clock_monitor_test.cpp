#include "gemmetry/measure/clock_monitor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace gemmetry::measure {
namespace {

/// Reads out a script, its last entry again and again; several threads at once are an error.
class FakeSource : public ClockSource {
 public:
  FakeSource(std::vector<ClockSample> script, std::atomic<int>& reads) : script_(std::move(script)), reads_(reads) {}

  ClockSample read() override {
    EXPECT_FALSE(busy_.exchange(true));
    const auto index = std::min(static_cast<std::size_t>(reads_++), script_.size() - 1);
    busy_ = false;
    return script_[index];
  }
  std::optional<double> max_clock_mhz() override { return 1980; }

 private:
  std::vector<ClockSample> script_;
  std::atomic<int>& reads_;
  std::atomic<bool> busy_{false};
};

void wait_for(const std::atomic<int>& reads, int count) {
  while (reads < count) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST(ClockMonitor, WatchesNothingWithoutADevice) {
  ClockMonitor nobody{std::string()};
  ClockMonitor unknown{std::string("GPU-00000000-0000-0000-0000-000000000000")};
  for (ClockMonitor* monitor : {&nobody, &unknown}) {
    EXPECT_FALSE(monitor->present());
    EXPECT_FALSE(monitor->max_clock_mhz());
    monitor->start();
    const ClockReading reading = monitor->stop();
    EXPECT_FALSE(reading.clock_mhz || reading.clock_low_mhz || reading.memory_clock_mhz);
    EXPECT_FALSE(reading.power_w || reading.temperature_c);
    EXPECT_EQ(reading.throttle, "");
  }
}

TEST(ClockMonitor, SumsUpASpan) {
  std::atomic<int> reads{0};
  ClockMonitor monitor(std::make_unique<FakeSource>(std::vector<ClockSample>{{1900, 2619, 500, 50, 0x1},
                                                                             {1500, 2619, 700, 60, 0x4},
                                                                             {1700, 2619, 600, 55, 0x20},
                                                                             {1700, 2619, 600, 55, 0}},
                                                    reads));
  EXPECT_TRUE(monitor.present());
  EXPECT_EQ(monitor.max_clock_mhz(), 1980);
  monitor.start();
  wait_for(reads, 5);
  const ClockReading reading = monitor.stop();
  EXPECT_EQ(reading.clock_mhz, 1700);
  EXPECT_EQ(reading.clock_low_mhz, 1500);
  EXPECT_EQ(reading.memory_clock_mhz, 2619);
  EXPECT_EQ(reading.power_w, 600);
  EXPECT_EQ(reading.temperature_c, 55);
  EXPECT_EQ(reading.throttle, "power+thermal");
}

TEST(ClockMonitor, ReadsAtLeastOnce) {
  std::atomic<int> reads{0};
  ClockMonitor monitor(std::make_unique<FakeSource>(std::vector<ClockSample>{{1410, {}, {}, {}, 0}}, reads));
  for (int span = 0; span < 50; ++span) {
    monitor.start();
    const ClockReading reading = monitor.stop();
    EXPECT_EQ(reading.clock_mhz, 1410);
    EXPECT_FALSE(reading.power_w);
  }
  EXPECT_EQ(monitor.stop().clock_mhz, 1410);
}

TEST(ClockMonitor, LeavesTheDeviceAloneBetweenSpans) {
  std::atomic<int> reads{0};
  ClockMonitor monitor(std::make_unique<FakeSource>(std::vector<ClockSample>{{}}, reads));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(reads, 0);
  monitor.start();
  wait_for(reads, 2);
  monitor.stop();
  const int before = reads;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(reads, before);
}

TEST(ClockMonitor, ASpanForgetsTheOneBefore) {
  std::atomic<int> reads{0};
  ClockMonitor monitor(std::make_unique<FakeSource>(
      std::vector<ClockSample>{{1000, {}, {}, {}, 0x8}, {1000, {}, {}, {}, 0x8}, {2000, {}, {}, {}, 0}}, reads));
  monitor.start();
  wait_for(reads, 2);
  monitor.stop();
  wait_for(reads, 2);
  monitor.start();
  wait_for(reads, 4);
  const ClockReading reading = monitor.stop();
  EXPECT_EQ(reading.clock_mhz, 2000);
  EXPECT_EQ(reading.throttle, "");
}

TEST(ClockMonitor, EndsWhileWatching) {
  std::atomic<int> reads{0};
  {
    ClockMonitor monitor(std::make_unique<FakeSource>(std::vector<ClockSample>{{}}, reads));
    monitor.start();
    wait_for(reads, 1);
  }
  EXPECT_GE(reads, 1);
}

TEST(ThrottleWords, NamesEveryReasonButIdleness) {
  EXPECT_EQ(throttle_words(0), "");
  EXPECT_EQ(throttle_words(0x1), "");
  EXPECT_EQ(throttle_words(0x44), "power+hardware_thermal");
  EXPECT_EQ(throttle_words(0x1ff),
            "application_clocks+power+hardware+sync_boost+thermal+hardware_thermal+power_brake+display_clocks");
}

}  // namespace
}  // namespace gemmetry::measure
