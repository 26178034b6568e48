#include "gemmetry/measure/sweep.h"

#include <fmt/format.h>

#include <algorithm>

#include "gemmetry/measure/axis.h"
#include "gemmetry/measure/shuffle.h"

namespace gemmetry::measure {
namespace {

/// One measurement of the sweep.
struct Task {
  op::Operator op;
  std::int64_t take = 0;
};

class Sweep {
 public:
  Sweep(Measurer& measurer, RecordStore& store, const SweepOptions& options)
      : measurer_(measurer),
        store_(store),
        options_(options),
        clock_(options.clock ? *options.clock : own_clock_),
        began_s_(clock_.now_s()) {}

  SweepSummary run(std::span<const op::Operator> ops) {
    std::vector<Task> tasks = missing(ops);
    shuffle(tasks, options_.seed);
    summary_.left = static_cast<std::int64_t>(tasks.size());
    if (!tasks.empty() && options_.reference)
      if (const std::optional<Measurement> before = time_reference())
        summary_.noise = NoiseFloor{*options_.reference, *before, std::nullopt};
    first_s_ = clock_.now_s();
    // What another process was at the first time may have lost that process since.
    std::vector<Task> claimed = pass(tasks);
    claimed = pass(claimed);
    summary_.elsewhere = static_cast<std::int64_t>(claimed.size());
    if (summary_.ending == SweepEnding::complete) summary_.left = 0;
    if (summary_.noise && summary_.ending != SweepEnding::stopped) summary_.noise->after = time_reference();
    tell("");
    summary_.elapsed_s = clock_.now_s() - began_s_;
    return summary_;
  }

 private:
  std::vector<Task> missing(std::span<const op::Operator> ops) {
    std::vector<Task> tasks;
    const std::vector<op::Operator> once = distinct(ops);
    summary_.total = static_cast<std::int64_t>(once.size()) * options_.takes;
    for (const op::Operator& op : once)
      for (std::int64_t take = 0; take < options_.takes; ++take) {
        const std::string id = identity(measurer_.blank(op, take));
        if (options_.retry) store_.erase_failed(id);
        if (store_.has(id))
          ++summary_.present;
        else
          tasks.push_back({op, take});
      }
    return tasks;
  }

  /// Measures the tasks until something ends the sweep, and gives those that other processes are at.
  std::vector<Task> pass(const std::vector<Task>& tasks) {
    std::vector<Task> claimed;
    for (const Task& task : tasks) {
      if (ends()) break;
      const std::string id = identity(measurer_.blank(task.op, task.take));
      if (store_.claim(id)) {
        measure(task, id);
        --summary_.left;
      } else if (store_.has(id)) {
        ++summary_.present;
        --summary_.left;
      } else {
        claimed.push_back(task);
      }
    }
    return claimed;
  }

  bool ends() {
    if (options_.stop && options_.stop())
      summary_.ending = SweepEnding::stopped;
    else if (options_.time_budget_s && clock_.now_s() - began_s_ >= *options_.time_budget_s)
      summary_.ending = SweepEnding::time_budget;
    return summary_.ending != SweepEnding::complete;
  }

  void measure(const Task& task, const std::string& id) {
    tell(text_of(task.op));
    try {
      const Record record = measurer_.measure(task.op, task.take);
      store_.put(record);
      count(record.status);
      if (measurer_.lost()) fail_lost(task.op, record.reason);
    } catch (...) {
      release(id);
      throw;
    }
  }

  /// Without hiding the error that led here.
  void release(const std::string& id) {
    try {
      store_.release(id);
    } catch (const Error&) {
    }
  }

  void count(RecordStatus status) {
    switch (status) {
      case RecordStatus::ok:
        ++summary_.ok;
        break;
      case RecordStatus::skipped:
        ++summary_.skipped;
        break;
      case RecordStatus::failed:
        ++summary_.failed;
        break;
      case RecordStatus::untrusted:
        ++summary_.untrusted;
        break;
    }
  }

  std::optional<Measurement> time_reference() {
    try {
      return measurer_.time(*options_.reference);
    } catch (const BackendError& problem) {
      if (problem.code() == StatusCode::device_lost) fail_lost(*options_.reference, problem.what());
      summary_.noise_reason = problem.what();
      return std::nullopt;
    }
  }

  [[noreturn]] void fail_lost(const op::Operator& op, const std::string& reason) const {
    throw DeviceLost(fmt::format(
        "the device was lost at {}: {}; {} measurements are stored in {}: run the same command again to go on without "
        "this one, with --retry to try it again too",
        text_of(op), reason, summary_.present + summary_.measured(), store_.path()));
  }

  void tell(const std::string& current) const {
    if (!options_.progress) return;
    SweepProgress progress;
    progress.total = summary_.total;
    progress.present = summary_.present;
    progress.done = summary_.present + summary_.measured();
    progress.skipped = summary_.measured() - summary_.ok;
    progress.time_left_s = time_left_s();
    progress.current = current;
    options_.progress(progress);
  }

  std::optional<double> time_left_s() const {
    if (summary_.measured() == 0) return std::nullopt;
    const double now_s = clock_.now_s();
    const double each_s = (now_s - first_s_) / static_cast<double>(summary_.measured());
    const double left_s = each_s * static_cast<double>(summary_.left);
    if (!options_.time_budget_s) return left_s;
    return std::clamp(*options_.time_budget_s - (now_s - began_s_), 0.0, left_s);
  }

  Measurer& measurer_;
  RecordStore& store_;
  const SweepOptions& options_;
  HostClock own_clock_;
  HostClock& clock_;
  double began_s_ = 0;
  double first_s_ = 0;  ///< when the first measurement began
  SweepSummary summary_;
};

}  // namespace

std::optional<double> NoiseFloor::difference() const {
  if (!after || before.median_s <= 0) return std::nullopt;
  return after->median_s / before.median_s - 1;
}

SweepSummary sweep(Measurer& measurer, RecordStore& store, std::span<const op::Operator> ops,
                   const SweepOptions& options) {
  return Sweep(measurer, store, options).run(ops);
}

op::Operator usual_reference(const DeviceInfo& device) {
  const bool cpu = std::string_view(device.backend) == "cpu";
  const std::int64_t size = cpu ? 512 : 4096;
  return op::Gemm{.m = size, .n = size, .k = size, .dtype = cpu ? shape::Dtype::fp32 : shape::Dtype::bf16};
}

std::string_view name(SweepEnding ending) {
  switch (ending) {
    case SweepEnding::complete:
      return "complete";
    case SweepEnding::stopped:
      return "stopped";
    case SweepEnding::time_budget:
      return "time_budget";
  }
  return "?";
}

}  // namespace gemmetry::measure
