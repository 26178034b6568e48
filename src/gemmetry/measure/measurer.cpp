#include "gemmetry/measure/measurer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>
#include <span>
#include <string_view>
#include <utility>

#include "gemmetry/gpu/catalogue.h"
#include "gemmetry/measure/hardware_limit.h"

namespace gemmetry::measure {
namespace {

/// Of the library, when its first is wrong.
constexpr std::int32_t most_proposals = 8;

DeviceInfo described(Backend& backend) {
  DeviceInfo info;
  require(backend.describe(info));
  return info;
}

std::optional<gpu::Gpu> catalogued(const DeviceInfo& device) {
  const std::vector<std::string> names = gpu::gpu_names();
  if (std::find(names.begin(), names.end(), device.gpu) == names.end()) return std::nullopt;
  return gpu::load_gpu(device.gpu);
}

Sampling with_clocks(Sampling sampling, gpu::Clocks clocks) {
  sampling.clocks = clocks;
  return sampling;
}

RecordStatus status_of(StatusCode code) {
  const bool skips = code == StatusCode::unsupported || code == StatusCode::out_of_memory;
  return skips ? RecordStatus::skipped : RecordStatus::failed;
}

}  // namespace

Measurer::Measurer(Backend& backend, ClockMonitor& monitor, Measuring measuring)
    : backend_(backend),
      measuring_(std::move(measuring)),
      device_(described(backend)),
      gpu_(catalogued(device_)),
      sampler_(backend, monitor, with_clocks(measuring_.sampling, measuring_.setting.clocks), measuring_.clock) {}

Record Measurer::blank(const op::Operator& op, std::int64_t take) const {
  Record record;
  record.op = op;
  record.setting = measuring_.setting;
  record.take = take;
  record.device = device_;
  record.tool = measuring_.tool;
  if (measuring_.command) record.command = measuring_.command(op);
  return record;
}

Record Measurer::measure(const op::Operator& op, std::int64_t take) {
  Record record = blank(op, take);
  const auto end = [&](RecordStatus status, const std::string& reason) {
    record.status = status;
    record.reason = reason.empty() ? "no reason was given" : reason;
  };
  try {
    fill(record);
  } catch (const BackendError& problem) {
    end(status_of(problem.code()), problem.what());
    lost_ = lost_ || problem.code() == StatusCode::device_lost;
  } catch (const Error& problem) {
    end(RecordStatus::failed, problem.what());
  } catch (const std::bad_alloc&) {
    end(RecordStatus::skipped, "the host has too little memory for it");
  }
  record.time = utc_now();
  return record;
}

void Measurer::fill(Record& record) {
  std::unique_ptr<Subject> made = subject(record.op);
  record.algorithm = made->algorithm();
  auto known = checked_.find(record.op);
  if (known == checked_.end()) {
    Checked checked{"", check(record.op, *made), ""};
    record.error = checked.verdict.error;
    if (!checked.verdict.right) {
      made = next_right(record.op, *made, checked);
      record.algorithm = made->algorithm();
    }
    known = checked_.emplace(record.op, std::move(checked)).first;
  }
  record.error = known->second.verdict.error;
  record.measurement = sampler_.measure(*made);
  record.samples = static_cast<std::int64_t>(record.measurement.samples_s.size());
  record.reason = distrust(record.op, record.measurement, gpu(), device_.clock_hz);
  if (!record.reason.empty())
    record.status = RecordStatus::untrusted;
  else
    record.reason = known->second.passed_over;
}

/// With what took the place of a wrong first choice, or the tuned algorithm where there is one that this version of the
/// library still has.
std::unique_ptr<Subject> Measurer::subject(const op::Operator& op) const {
  const Footing footing{.warm = measuring_.setting.warm, .replay = measuring_.setting.replay};
  const bool tuned = measuring_.setting.policy == Policy::tuned && measuring_.tuned;
  const auto known = checked_.find(op);
  std::string key = known != checked_.end() ? known->second.key : "";
  if (key.empty() && tuned) key = measuring_.tuned(op);
  if (!key.empty()) {
    try {
      return std::make_unique<Subject>(backend_, device_, op, key.c_str(), footing);
    } catch (const BackendError& problem) {
      if (problem.code() != StatusCode::unsupported) throw;
    }
  }
  return std::make_unique<Subject>(backend_, device_, op, nullptr, footing);
}

Verdict Measurer::check(const op::Operator& op, const Subject& subject) {
  const Call call = subject.calls(0).front();
  const std::uint64_t seed = subject.footing().seed;
  const Verdict verdict =
      measuring_.check ? measuring_.check(backend_, op, call, seed) : verify(backend_, op, call, seed);
  if (verdict.code == StatusCode::ok) return verdict;
  Status status;
  status.code = verdict.code;
  fmt::format_to_n(status.message, sizeof status.message - 1, "{}", verdict.message);
  throw BackendError(status);
}

/// The library's next proposal that computes right, on the same buffers. Throws Error when there is none.
std::unique_ptr<Subject> Measurer::next_right(const op::Operator& op, const Subject& wrong, Checked& checked) {
  const std::string what = fmt::format("{}: wrong result: {}", text_of(wrong.algorithm()), checked.verdict.message);
  std::array<AlgorithmInfo, most_proposals> proposals;
  std::int32_t found = 0;
  require(backend_.algorithms(op, proposals.data(), most_proposals, &found));
  for (const AlgorithmInfo& proposal : std::span(proposals).first(static_cast<std::size_t>(found))) {
    if (std::string_view(proposal.key) == wrong.algorithm().key) continue;
    auto next = std::make_unique<Subject>(wrong, proposal.key);
    const Verdict verdict = check(op, *next);
    if (!verdict.right) continue;
    checked = {proposal.key, verdict, "passed over " + what};
    return next;
  }
  throw Error(what);
}

Measurement Measurer::time(const op::Operator& op) {
  const std::unique_ptr<Subject> made = subject(op);
  return sampler_.measure(*made);
}

std::string text_of(const AlgorithmInfo& algorithm) {
  std::string text = fmt::format("{} {}", algorithm.library, algorithm.kernel);
  if (algorithm.tile_m > 0) text += fmt::format(", tile {} x {}", algorithm.tile_m, algorithm.tile_n);
  if (algorithm.stages > 0) text += fmt::format(", {} stages", algorithm.stages);
  if (algorithm.split_k > 1) text += fmt::format(", split-K {}", algorithm.split_k);
  if (algorithm.cluster_m * algorithm.cluster_n > 1)
    text += fmt::format(", cluster {} x {}", algorithm.cluster_m, algorithm.cluster_n);
  if (algorithm.waves > 0) text += fmt::format(", {:.2f} waves", algorithm.waves);
  return text;
}

}  // namespace gemmetry::measure
