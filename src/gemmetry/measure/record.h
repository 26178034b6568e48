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
};

/// One operator measured once on one device.
struct Record {
  op::Operator op;
  Setting setting;
  std::int64_t take = 0;  ///< 0, 1, ... where the same operator is measured several times
  RecordStatus status = RecordStatus::ok;
  std::string reason;  ///< of a status other than ok

  Measurement measurement;
  AlgorithmInfo algorithm;
  std::optional<double> error;  ///< against the oracle, as a multiple of what the dtype allows

  DeviceInfo device;
  std::string tool;     ///< version of gemmetry
  int method = method_version;
  std::string time;     ///< when it ended, "2026-11-22T10:49:03Z"
  std::string command;  ///< that makes it again
};

/// The part that tells records apart: operator with all its fields, setting, take, GPU, library version and method
/// version, as one line of text that begins with the operator's kind.
std::string identity(const Record& record);

std::string_view name(RecordStatus status);
std::string_view name(Policy policy);
std::string_view name(Replay replay);
std::string_view name(Ending ending);

}  // namespace gemmetry::measure
