#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/backend.h"
#include "gemmetry/op/operator.h"

namespace gemmetry::measure {

/// What a backend's Status becomes when it is not ok.
class BackendError : public Error {
 public:
  explicit BackendError(const Status& status);
  StatusCode code() const { return code_; }

 private:
  StatusCode code_;
};

/// Throws BackendError unless the status is ok.
void require(const Status& status);

/// How a subject's calls meet the caches and the host.
struct Footing {
  bool warm = false;  ///< one set of buffers: operands stay in the cache. Else at least two, together twice the L2
  Replay replay = Replay::graph;
  std::uint64_t seed = 1;
};

/// Sets of buffers at most: more take longer to fill than they are worth. Operands smaller than twice the L2 over this
/// are met partly in the cache.
inline constexpr std::int64_t max_sets = 512;

/// Sets of buffers for an operator that touches so many bytes in one execution.
std::int64_t cold_sets(double touched_bytes, std::int64_t l2_bytes);

/// An operator, or several in order, planned and on filled device buffers, ready to be verified and timed. Operand i of
/// each operator was filled with seed + i, in every set. Deleted before the backend.
class Subject {
 public:
  /// Throws BackendError: unsupported, out of memory, ...
  Subject(Backend& backend, const DeviceInfo& device, const op::Operator& op, const char* algorithm_key,
          Footing footing);
  /// A sequence, run one after the other; each operator has its own buffers. Keys may be empty: first choices.
  Subject(Backend& backend, const DeviceInfo& device, std::span<const op::Operator> ops,
          std::span<const std::string> algorithm_keys, Footing footing);
  /// Calls that others have planned and keep, in order, always on the buffers that they name.
  Subject(Backend& backend, std::span<const Call> calls, Replay replay);
  /// The same operator (one) on the same buffers with another algorithm, for the choice among algorithms. The buffers
  /// stay as long as either lives.
  Subject(const Subject& like, const char* algorithm_key);
  ~Subject();
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  const AlgorithmInfo& algorithm(std::size_t index = 0) const;

  /// Calls for each set of buffers: sets() lists of operators() calls.
  std::span<const Call> calls(std::size_t set) const;
  std::size_t sets() const;
  std::size_t operators() const;
  const Footing& footing() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace gemmetry::measure
