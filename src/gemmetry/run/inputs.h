#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gemmetry/measure/backend.h"
#include "gemmetry/run/device_buffer.h"
#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::run {

/// All that says what a pass works on: a number for each row, sequence or draw, see Inputs.
struct PassInputs {
  std::vector<std::int32_t> tokens;
  std::vector<std::int32_t> positions;
  std::vector<std::int32_t> slots;
  std::vector<std::int32_t> lengths;
  std::vector<std::int32_t> sequence_slots;
  std::vector<std::int32_t> last_rows;
  std::vector<measure::SampleParameters> sampling;
};

/// The small arrays on the device that say which tokens a run works on, one row a token, sequence by sequence. Decode
/// draws behind each row, other phases behind each sequence.
class Inputs {
 public:
  /// Positions 0, 1, ... of each sequence, sequence i in slot i, tokens 0.
  Inputs(measure::Backend& backend, const shape::Model& model, const shape::Workload& workload);

  /// All of them in one copy to the device. Error unless there are as many of each as the workload has, and each token
  /// is within the vocabulary.
  void set(const PassInputs& all);
  /// Tokens of all sequences. Error unless there are as many as rows, each within the vocabulary.
  void set_tokens(std::span<const std::int32_t> tokens);
  /// Decode: how many tokens each sequence has in the cache, which is the first new one's position.
  void set_cached(std::span<const std::int32_t> cached);
  /// The first slot: sequence i goes to slot first + i.
  void set_first_slot(std::int32_t first);
  /// How each token is drawn.
  void set_sampling(std::span<const measure::SampleParameters> parameters);

  std::int64_t rows() const { return rows_; }
  std::int64_t sequences() const { return sequences_; }
  std::int64_t draws() const { return draws_; }

  void* tokens() const { return at(Part::tokens); }                  ///< int32, a row
  void* positions() const { return at(Part::positions); }            ///< int32, a row
  void* slots() const { return at(Part::slots); }                    ///< int32, a row: where it is written, if anywhere
  void* lengths() const { return at(Part::lengths); }                ///< int32, a sequence: keys, new ones among them
  void* sequence_slots() const { return at(Part::sequence_slots); }  ///< int32, a sequence: whose cache it reads
  void* last_rows() const { return at(Part::last_rows); }            ///< int32, a sequence
  void* sampling() const { return at(Part::sampling); }              ///< SampleParameters, a draw
  void* sampled() const { return at(Part::sampled); }                ///< int32, a draw
  void* rotation() const { return rotation_.at(); }                  ///< fp32, see rotation.h

 private:
  enum class Part { tokens, positions, slots, lengths, sequence_slots, last_rows, sampling, sampled, end };
  using Offsets = std::array<std::int64_t, static_cast<std::size_t>(Part::end) + 1>;  ///< bytes
  static Offsets offsets_of(std::int64_t rows, std::int64_t sequences, std::int64_t draws);

  std::int64_t offset(Part part) const { return offsets_[static_cast<std::size_t>(part)]; }
  void* at(Part part) const { return memory_.at(offset(part)); }
  void write(void* to, const std::vector<std::int32_t>& values);
  void require_tokens(std::span<const std::int32_t> tokens) const;

  measure::Backend& backend_;
  std::int64_t vocab_;
  std::int64_t sequences_;
  std::int64_t rows_;
  std::int64_t draws_;
  Offsets offsets_;
  DeviceBuffer memory_;
  DeviceBuffer rotation_;
};

}  // namespace gemmetry::run
