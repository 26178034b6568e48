#pragma once

#include <cstdint>

#include "gemmetry/shape/dtype.h"
#include "gemmetry/shape/model.h"

namespace gemmetry::run {

/// What one decoding step has to read from memory.
struct DecodeBytes {
  double weights = 0;  ///< every array once; of tables that are looked up in, nothing
  double cache = 0;    ///< keys and values that the requests see
};

/// `cached`: tokens of each of `requests` requests before the step.
DecodeBytes decode_bytes(const shape::Model& model, shape::Dtype dtype, std::int64_t requests, double cached);

}  // namespace gemmetry::run
