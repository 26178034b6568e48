#pragma once

#include <cstdint>
#include <string>

#include "gemmetry/measure/backend.h"
#include "gemmetry/op/operator.h"

namespace gemmetry::measure {

/// How far a backend's result is from the float64 oracle.
struct Verdict {
  StatusCode code = StatusCode::ok;  ///< other than ok: the backend could not run it, as `message` says
  bool right = false;
  double error = 0;     ///< the worst error as a multiple of what the dtype allows (tolerance.h); right: at most 1
  std::string message;  ///< when not right: operand, element, value, expected value and bound
};

/// Runs the operator once on fresh random data with poisoned outputs and compares every output with the oracle: all
/// elements, or, for products above 50 million multiplications and for what sample.h knows above 4 MiB, the elements
/// it chooses. Other operators that are too large for the oracle are checked by their stand_ins (stand_in.h). Buffers
/// are its own. `algorithm_key` as Backend::plan takes it. A Collective is unsupported.
Verdict verify(Backend& backend, const op::Operator& op, const char* algorithm_key, std::uint64_t seed);

/// The same for a plan that stands on its buffers, whose input operand i was filled with seed `seed` + i. Outputs are
/// overwritten. Only for what sample.h knows; other operators are checked as above.
Verdict verify(Backend& backend, const op::Operator& op, const Call& call, std::uint64_t seed);

}  // namespace gemmetry::measure
