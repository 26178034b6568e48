#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/measure/field_table.h"
#include "gemmetry/measure/record.h"
#include "gemmetry/measure/whole.h"
#include "gemmetry/op/module.h"

namespace gemmetry::measure {

/// Changes when the way of executing changes so that times are no longer comparable.
inline constexpr int execution_method_version = 1;

/// How much slower the whole is than its baseline, both executed in turns: the median of the ratios of neighbours.
struct Slowdown {
  double baseline_s = 0;  ///< median of the baseline's times
  double value = 1;
  double low = 1;  ///< ends of the 90 % interval
  double high = 1;
};

/// One whole executed once on one device.
struct Execution {
  WholeKind kind = WholeKind::model;
  std::string name;      ///< of the model, for the reader: no part of the identity
  std::string model;     ///< see model_text
  std::string workload;  ///< see workload_text
  std::string baseline;  ///< model_text of the one it was executed in turns with; empty: alone
  Setting setting;
  bool fused_steps = false;  ///< several steps of the program in one kernel, as decoding runs them
  RecordStatus status = RecordStatus::ok;
  std::string reason;  ///< of a status other than ok

  Measurement measurement;  ///< the median is the whole's time
  std::int64_t samples = 0;
  double low_s = 0;  ///< ends of the median's 90 % interval
  double high_s = 0;
  std::optional<double> prompt_s;  ///< of an answer: until its first token
  std::optional<Slowdown> slowdown;
  /// Time of all steps of a module in the whole, each kernel timed by itself; empty of an answer.
  std::map<op::Module, double> module_s;

  DeviceInfo device;
  std::string tool;  ///< version of gemmetry
  int method = execution_method_version;
  std::string time;     ///< when it ended, "2026-11-22T10:49:03Z"
  std::string command;  ///< that makes it again
};

/// A record of the whole that has nothing of its own yet. Steps are fused where it decodes.
Execution blank_execution(const Whole& whole, const Setting& setting);

/// Sets the times from what was measured of `parts` equal parts.
void set_measured(Execution& execution, Measurement measured, double parts = 1);

/// What is asked for, of whatever device: whole, baseline, setting.
std::string question(const Execution& execution);

/// The part that tells records apart: the question, GPU, libraries and method version.
std::string identity(const Execution& execution);

/// Sum of the modules' times.
double modules_s(const Execution& execution);

using ExecutionField = FieldOf<Execution>;

/// All fields, in order; a record is read by setting them in this order.
const std::vector<ExecutionField>& execution_fields();

/// A record from the texts of its fields, text(i) being that of execution_fields()[i]. Errors begin "column 'KEY': ".
Execution read_execution(const std::function<std::string(std::size_t field)>& text);

}  // namespace gemmetry::measure
