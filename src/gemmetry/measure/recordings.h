#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "gemmetry/measure/record.h"

namespace gemmetry::measure {

/// What was recorded of one GPU, in memory, to answer in the GPU's place.
class Recordings {
 public:
  /// `source` is where the records come from. Error when there are none, or of several GPUs.
  Recordings(std::vector<Record> records, std::string source);

  /// The record of an operator at a setting; null: there is none. Of several, one that is ok, then the first take, then
  /// the latest.
  const Record* find(const op::Operator& op, const Setting& setting) const;

  /// Why there is no such record, with what comes nearest: "recorded only with --clocks sustained".
  std::string why_missing(const op::Operator& op, const Setting& setting) const;

  std::size_t size() const { return records_.size(); }
  const std::string& source() const { return source_; }

  /// The device as the latest record names it.
  const DeviceInfo& device() const;
  /// When the first and the latest record were made; empty where records do not say.
  const std::string& first_time() const { return first_time_; }
  const std::string& last_time() const { return last_time_; }

 private:
  using Indexes = std::vector<std::size_t>;

  const Indexes& of(const op::Operator& op) const;

  std::vector<Record> records_;
  std::string source_;
  std::unordered_map<op::Operator, Indexes, op::OperatorHash> by_operator_;
  std::size_t latest_ = 0;
  std::string first_time_, last_time_;
};

}  // namespace gemmetry::measure
