#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gemmetry/measure/backend.h"
#include "gemmetry/run/device_buffer.h"
#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::run {

/// The small arrays on the device that say which tokens a run works on, one row a token, sequence by sequence.
class Inputs {
 public:
  /// Positions 0, 1, ... of each sequence (decode: all 0, one token a sequence), sequence i in slot i, tokens 0.
  Inputs(measure::Backend& backend, const shape::Model& model, const shape::Workload& workload);

  /// Tokens of all sequences. Error unless there are as many as rows, each within the vocabulary.
  void set_tokens(std::span<const std::int32_t> tokens);
  /// Decode: how many tokens each sequence has in the cache, which is the new one's position.
  void set_cached(std::span<const std::int32_t> cached);
  /// The first slot: sequence i goes to slot first + i.
  void set_first_slot(std::int32_t first);
  /// How the next token of each sequence is drawn.
  void set_sampling(std::span<const measure::SampleParameters> parameters);

  std::int64_t rows() const { return rows_; }
  std::int64_t sequences() const { return sequences_; }

  void* tokens() const { return memory_.at(); }      ///< int32, a row
  void* positions() const { return part(1); }        ///< int32, a row
  void* slots() const { return part(2); }            ///< int32, a row
  void* lengths() const { return part(3); }          ///< int32, a sequence: keys, the new token's among them
  void* last_rows() const { return part(4); }        ///< int32, a sequence
  void* sampled() const { return part(5); }          ///< int32, a sequence
  void* sampling() const { return part(6); }         ///< SampleParameters, a sequence
  void* rotation() const { return rotation_.at(); }  ///< fp32, see rotation.h

 private:
  void* part(std::int64_t index) const { return memory_.at(index * part_bytes_); }
  void write(void* to, const std::vector<std::int32_t>& values);

  measure::Backend& backend_;
  std::int64_t vocab_;
  std::int64_t sequences_;
  std::int64_t rows_;
  std::int64_t part_bytes_;
  DeviceBuffer memory_;
  DeviceBuffer rotation_;
};

}  // namespace gemmetry::run
