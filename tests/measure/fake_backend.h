#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <new>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/measure/backend.h"
#include "gemmetry/measure/host_clock.h"
#include "gemmetry/measure/operands.h"
#include "gemmetry/measure/random_data.h"

namespace gemmetry::measure {

/// Time that passes only when it is waited for or when a fake device works.
class VirtualClock : public HostClock {
 public:
  double now_s() override { return now_s_; }
  void wait_s(double seconds) override { now_s_ += seconds; }

 private:
  double now_s_ = 1000;
};

/// A device whose times are scripted: it plans any operator, computes nothing, and keeps its buffers in host memory,
/// which is never touched but by fill. Public members are the script and what was seen.
class FakeBackend : public Backend {
 public:
  // Script.
  DeviceInfo device;
  std::vector<AlgorithmInfo> menu;  ///< what `algorithms` proposes for every operator
  std::function<double(const op::Operator&, const AlgorithmInfo&)> seconds = [](const auto&, const auto&) {
    return 10e-6;
  };
  double noise = 0;  ///< relative half-width of what each replay's time is multiplied with
  std::uint64_t noise_seed = 31;
  double drift = 0;       ///< relative change per second of the clock
  double slowdown = 0;    ///< relative, once the device has been busy for several soak_s; decays as fast when idle
  double soak_s = 0.2;    ///< time constant of the slowdown
  double overhead_s = 0;  ///< of every replay
  bool records_nothing = true;  ///< whether an empty recording is allowed
  std::int64_t memory_limit = std::int64_t{1} << 30;
  std::function<Status(const op::Operator&)> refuse;  ///< when set: the status of `plan`
  VirtualClock clock;

  /// The `nth` call (from 1) of `function` ("plan", "allocate", "fill", "run", "record", "time", "prepare", ...) ends
  /// so; a lost device stays lost. An empty name: the nth call of all.
  void fail_at(std::string function, std::int64_t nth, StatusCode code) {
    script_.push_back({std::move(function), nth, code});
  }

  // What was seen.
  std::map<std::string, std::int64_t, std::less<>> calls;  ///< of each function; "" is their sum
  std::int64_t allocated_bytes = 0;
  std::int64_t plans = 0;       ///< alive
  std::int64_t recordings = 0;  ///< alive
  double busy_s = 0;
  std::vector<double> idle_before_s;              ///< of each call of `time`
  std::vector<std::vector<Plan*>> timed;          ///< the first plan of each call of `time`'s recording
  std::vector<std::int32_t> replayed;             ///< `replays` of each call of `time`
  std::vector<std::uint64_t> seeds;               ///< of each call of `fill`
  std::set<const void*> operands_of_last_record;  ///< first operand of each call in it

  FakeBackend() {
    std::snprintf(device.backend, sizeof device.backend, "fake");
    std::snprintf(device.name, sizeof device.name, "Fake GPU");
    std::snprintf(device.products, sizeof device.products, "fakeLt 1.0.0");
    std::snprintf(device.driver, sizeof device.driver, "1.0");
    device.sms = 4;
    device.l2_bytes = 1 << 20;
    device.clock_hz = 1e9;
    menu.push_back(algorithm("first"));
  }
  ~FakeBackend() override {
    for (const auto& [buffer, bytes] : buffers_) ::operator delete (buffer, std::align_val_t{256});
  }
  FakeBackend(const FakeBackend&) = delete;
  FakeBackend& operator=(const FakeBackend&) = delete;

  static AlgorithmInfo algorithm(std::string_view key) {
    AlgorithmInfo info;
    std::snprintf(info.library, sizeof info.library, "fake");
    std::snprintf(info.kernel, sizeof info.kernel, "%.*s", static_cast<int>(key.size()), key.data());
    std::snprintf(info.key, sizeof info.key, "%.*s", static_cast<int>(key.size()), key.data());
    return info;
  }

  static Status status(StatusCode code, std::string_view message) {
    Status result;
    result.code = code;
    std::snprintf(result.message, sizeof result.message, "%.*s", static_cast<int>(message.size()), message.data());
    return result;
  }

  Status describe(DeviceInfo& info) noexcept override {
    info = device;
    info.memory_bytes = memory_limit;
    info.free_bytes = memory_limit - allocated_bytes;
    return enter("describe");
  }

  Status allocate(std::int64_t bytes, void** buffer) noexcept override {
    *buffer = nullptr;
    if (const Status failure = enter("allocate"); !failure.ok()) return failure;
    if (bytes > memory_limit - allocated_bytes) return status(StatusCode::out_of_memory, "fake memory is full");
    *buffer = ::operator new (static_cast<std::size_t>(std::max<std::int64_t>(bytes, 1)), std::align_val_t{256});
    buffers_[*buffer] = bytes;
    allocated_bytes += bytes;
    return {};
  }

  void release(void* buffer) noexcept override {
    const auto found = buffers_.find(buffer);
    if (found == buffers_.end()) return;
    allocated_bytes -= found->second;
    ::operator delete (buffer, std::align_val_t{256});
    buffers_.erase(found);
  }

  Status fill(void*, const Operand&, std::uint64_t seed) noexcept override {
    seeds.push_back(seed);
    return enter("fill");
  }

  Status read(const void*, Element, const std::int64_t*, std::int64_t count, double* values) noexcept override {
    std::fill(values, values + count, 0.0);
    return enter("read");
  }

  Status plan(const op::Operator& op, const char* algorithm_key, Plan** plan) noexcept override {
    *plan = nullptr;
    if (const Status failure = enter("plan"); !failure.ok()) return failure;
    if (refuse)
      if (const Status refusal = refuse(op); !refusal.ok()) return refusal;
    for (const AlgorithmInfo& info : menu)
      if (!algorithm_key || std::string_view(info.key) == algorithm_key) {
        *plan = new FakePlan(*this, op, info);
        return {};
      }
    return status(StatusCode::unsupported, "no such algorithm");
  }

  Status algorithms(const op::Operator&, AlgorithmInfo* infos, std::int32_t capacity,
                    std::int32_t* found) noexcept override {
    *found = 0;
    if (const Status failure = enter("algorithms"); !failure.ok()) return failure;
    *found = std::min(capacity, static_cast<std::int32_t>(menu.size()));
    std::copy_n(menu.begin(), *found, infos);
    return {};
  }

  Status prepare(const Call&) noexcept override { return enter("prepare"); }

  Status run(const Call* run_calls, std::int32_t count) noexcept override {
    if (const Status failure = enter("run"); !failure.ok()) return failure;
    for (std::int32_t i = 0; i < count; ++i) work(time_of(run_calls[i]));
    return {};
  }

  Status record(const Call* recorded, std::int32_t count, Replay, Recording** recording) noexcept override {
    *recording = nullptr;
    if (const Status failure = enter("record"); !failure.ok()) return failure;
    if (count == 0 && !records_nothing) return status(StatusCode::unsupported, "an empty recording");
    operands_of_last_record.clear();
    for (std::int32_t i = 0; i < count; ++i)
      operands_of_last_record.insert(recorded[i].operands ? recorded[i].operands[0] : nullptr);
    *recording = new FakeRecording(*this, {recorded, recorded + count});
    return {};
  }

  Status time(Recording* recording, std::int32_t replays, double* times_s) noexcept override {
    if (const Status failure = enter("time"); !failure.ok()) return failure;
    idle_before_s.push_back(clock.now_s() - last_busy_s_);
    replayed.push_back(replays);
    const auto& list = static_cast<FakeRecording*>(recording)->list;
    timed.emplace_back();
    for (const Call& call : list) timed.back().push_back(call.plan);
    for (std::int32_t i = 0; i < replays; ++i) {
      double total = 0;
      for (const Call& call : list) total += time_of(call);
      const double spread = 1 + noise * static_cast<double>(random_uniform(noise_seed, draws_++));
      const double drifted = 1 + drift * (clock.now_s() - 1000);
      times_s[i] = total * spread * drifted * (1 + slowdown * heat()) + overhead_s;
      work(times_s[i]);
    }
    return {};
  }

  /// Of a plan alive.
  static const op::Operator& operator_of(const Plan* plan) { return static_cast<const FakePlan*>(plan)->op; }

 private:
  struct FakePlan : Plan {
    FakePlan(FakeBackend& b, const op::Operator& o, const AlgorithmInfo& i) : backend(b), op(o), info(i) {
      ++backend.plans;
    }
    ~FakePlan() override { --backend.plans; }
    const AlgorithmInfo& algorithm() const noexcept override { return info; }
    FakeBackend& backend;
    op::Operator op;
    AlgorithmInfo info;
  };
  struct FakeRecording : Recording {
    FakeRecording(FakeBackend& b, std::vector<Call> c) : backend(b), list(std::move(c)) { ++backend.recordings; }
    ~FakeRecording() override { --backend.recordings; }
    FakeBackend& backend;
    std::vector<Call> list;
  };
  struct Failure {
    std::string function;
    std::int64_t nth = 0;
    StatusCode code = StatusCode::failed;
  };

  Status enter(std::string_view function) {
    ++calls[""];
    ++calls[std::string(function)];
    for (const Failure& failure : script_)
      if ((failure.function.empty() || failure.function == function) && calls[failure.function] == failure.nth) {
        lost_ = lost_ || failure.code == StatusCode::device_lost;
        return status(failure.code, "scripted failure of " + std::string(function));
      }
    if (lost_) return status(StatusCode::device_lost, "the fake device is lost");
    return {};
  }

  double time_of(const Call& call) const {
    const auto* plan = static_cast<const FakePlan*>(call.plan);
    return seconds(plan->op, plan->info);
  }

  double heat() const { return heat_ * std::exp(-(clock_now() - last_busy_s_) / soak_s); }
  double clock_now() const { return const_cast<VirtualClock&>(clock).now_s(); }

  void work(double seconds_busy) {
    const double left = heat();
    clock.wait_s(seconds_busy);
    busy_s += seconds_busy;
    heat_ = 1 - (1 - left) * std::exp(-seconds_busy / soak_s);
    last_busy_s_ = clock.now_s();
  }

  std::map<void*, std::int64_t> buffers_;
  std::vector<Failure> script_;
  bool lost_ = false;
  std::uint64_t draws_ = 0;
  double heat_ = 0;
  double last_busy_s_ = 0;
};

}  // namespace gemmetry::measure
