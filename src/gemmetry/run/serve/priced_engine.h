#pragma once

#include <functional>

#include "gemmetry/run/serve/token_engine.h"
#include "gemmetry/run/serve/virtual_clock.h"
#include "gemmetry/run/verify/pass_shape.h"

namespace gemmetry::run {

/// What passes take, in seconds; `context` is the mean number of tokens in front of the live requests' next ones.
struct PassPrices {
  std::function<double(std::int64_t prompt)> prefill_s;
  std::function<double(std::int64_t rows, double context)> decode_s;
  std::function<double(const PassShape& shape, double context)> verify_s;
};

/// An engine without a model: passes move a virtual clock by their price, and tokens come from a hash of seed and
/// position, so that decoding and verification agree. The clock outlives it.
class PricedEngine final : public TokenEngine {
 public:
  PricedEngine(std::int64_t slots, std::int64_t capacity, PassPrices prices, VirtualClock& clock);

  std::int64_t slots() const override { return slots_; }
  std::int64_t capacity() const override { return capacity_; }
  std::int32_t prefill(std::int32_t slot, std::span<const std::int32_t> prompt, const Draw& draw) override;
  std::vector<std::int32_t> decode(std::span<const DecodeRow> rows) override;
  std::vector<std::int32_t> verify(std::span<const WindowRows> windows, std::int64_t window) override;

 private:
  std::int64_t slots_;
  std::int64_t capacity_;
  PassPrices prices_;
  VirtualClock& clock_;
};

}  // namespace gemmetry::run
