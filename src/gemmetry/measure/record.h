#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/gpu/gpu.h"
#include "gemmetry/measure/backend.h"
#include "gemmetry/measure/clock_monitor.h"
#include "gemmetry/measure/sampler.h"
#include "gemmetry/op/operator.h"

namespace gemmetry::measure {

/// Changes when the way of measuring changes so that times are no longer comparable.
inline constexpr int method_version = 1;

enum class RecordStatus {
  ok,
  skipped,    ///< the device or library cannot run it, or memory is too small
  failed,     ///< wrong result or an error
  untrusted,  ///< faster than the hardware can be
};

/// Which algorithm is used.
enum class Policy {
  first,  ///< the library's first choice
  tuned,  ///< the tuning table's, else the first
};

/// How an operator is measured; part of a record's identity.
struct Setting {
  gpu::Clocks clocks = gpu::Clocks::burst;
  Policy policy = Policy::first;
  Replay replay = Replay::graph;
  bool warm = false;

  bool operator==(const Setting&) const = default;
};

/// One operator measured once on one device.
struct Record {
  op::Operator op;
  Setting setting;
  std::int64_t take = 0;  ///< 0, 1, ... where the same operator is measured several times
  RecordStatus status = RecordStatus::ok;
  std::string reason;  ///< of a status other than ok; else why it is not the library's first choice, where that is so

  Measurement measurement;
  std::int64_t samples = 0;  ///< how many were taken; the measurement may have come without them
  AlgorithmInfo algorithm;
  std::optional<double> error;  ///< against the oracle, as a multiple of what the dtype allows

  DeviceInfo device;
  std::string tool;  ///< version of gemmetry
  int method = method_version;
  std::string time;     ///< when it ended, "2026-11-22T10:49:03Z"
  std::string command;  ///< that makes it again
};

/// The part that tells records apart: operator with all its fields, setting, take, GPU, library version and method
/// version, as one line of text that begins with the operator's kind.
std::string identity(const Record& record);

/// The version of what computes the operator on the device: the library of products, that of attention, or gemmetry
/// itself where the kernel is its own.
std::string library_version(const op::Operator& op, const DeviceInfo& device, std::string_view tool);

/// "gemm batch=1 m=4096 ...": an operator with all its fields.
std::string text_of(const op::Operator& op);

/// The present time as records state it.
std::string utc_now();

std::string_view name(RecordStatus status);
std::string_view name(Policy policy);
std::string_view name(Replay replay);
std::string_view name(Ending ending);
std::string_view cache_name(bool warm);  ///< "cold", "warm"

// Error naming the choices.
RecordStatus status_from_name(std::string_view word);
Policy policy_from_name(std::string_view word);
Replay replay_from_name(std::string_view word);
Ending ending_from_name(std::string_view word);
bool warm_from_name(std::string_view word);
gpu::Clocks clocks_from_name(std::string_view word);

}  // namespace gemmetry::measure
