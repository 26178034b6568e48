#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "gemmetry/base/error.h"
#include "gemmetry/gpu/gpu.h"
#include "gemmetry/measure/measurer.h"
#include "gemmetry/measure/record_store.h"
#include "gemmetry/measure/recordings.h"
#include "gemmetry/op/cost_model.h"

// The cost of an operator as it was measured.
//
// Time: the median of the record's samples. Its own error is the median's 90 % interval; the error that all records of
// a session share is the drift of the clock between sessions. What bounds it: the largest of FLOP over peak, bytes over
// bandwidth and a launch, of the catalogue's GPU.
// Range: what the device and its library can run. Ignores: the operators before and after, whose results a cache may
// still hold (records are cold unless their setting says warm).

namespace gemmetry::measure {

/// There is no measured time of the operator; the message says why.
class NoMeasurement : public Error {
 public:
  using Error::Error;
};

/// Which records a model answers from.
struct RecordChoice {
  std::optional<std::string> gpu;  ///< the catalogue's name or the device's; absent: the store holds only one
  Setting setting;
};

class MeasuredModel : public op::CostModel {
 public:
  /// Measures what the store lacks, and stores it. Both outlive the model and are used by nobody else meanwhile.
  MeasuredModel(Measurer& measurer, RecordStore& store);

  /// Answers from records alone, from the latest where there are several of an operator. Error when none fits, or when
  /// they are of several GPUs and none was chosen.
  MeasuredModel(RecordStore& store, const RecordChoice& choice);

  /// Answers from what was recorded at a setting. The recordings outlive the model.
  MeasuredModel(const Recordings& recordings, const Setting& setting);

  /// Throws NoMeasurement; an Error too when the store cannot be written, and DeviceLost.
  op::Cost cost(const op::Operator& op) const override;
  /// The algorithm that ran.
  std::string reason(const op::Operator& op) const override;
  std::string source() const override;

  /// The catalogue's entry of the device; null: it has none.
  const gpu::Gpu* gpu() const { return gpu_ ? &*gpu_ : nullptr; }

  /// The record that stands behind an operator's cost. Throws as cost does.
  Record record(const op::Operator& op) const;

 private:
  const Record& find(const op::Operator& op) const;
  const Record* known(const op::Operator& op) const;
  const Record* usable(const op::Operator& op, std::string& why) const;
  Record measured(const op::Operator& op) const;
  op::Bound bound(const op::Operator& op) const;

  Measurer* measurer_ = nullptr;  ///< null: nothing is measured
  RecordStore* store_ = nullptr;  ///< what the measurer stores in
  const Recordings* recordings_ = nullptr;
  std::string source_;  ///< where records are
  Setting setting_;
  DeviceInfo device_;
  std::optional<gpu::Gpu> gpu_;
  mutable std::mutex mutex_;
  mutable std::unordered_map<op::Operator, Record, op::OperatorHash> records_;
};

}  // namespace gemmetry::measure
