#pragma once

#include <cstdint>
#include <string_view>

namespace gemmetry::op {

/// What keeps an operator from being faster.
enum class Bound { tensor, l2, memory, launch, network };

/// Operators whose errors hang together: a model that is wrong about one of a class is wrong about the others alike.
enum class ErrorClass { product, thin_product, misaligned_product, batched_product, attention, pointwise, collective };
inline constexpr int error_classes = 7;

/// Half-width of a normal distribution's central 90 %, in standard deviations.
inline constexpr double normal_90 = 1.6448536;

/// Standard deviations of the logarithm of a time: of the part shared by all operators of the class on this GPU, and of
/// the part that is each operator's own.
struct Uncertainty {
  double shared = 0;
  double independent = 0;
};

enum class Origin { predicted, measured };

/// What one execution of an operator takes, and how sure that is.
struct Cost {
  double time_s = 0;
  double flop = 0;
  double bytes = 0;
  Bound bound = Bound::memory;
  ErrorClass error_class = ErrorClass::product;
  Uncertainty error;
  Origin origin = Origin::predicted;

  /// Ends of the 90 % interval of the time.
  double time_low_s() const;
  double time_high_s() const;
};

std::string_view name(Bound bound);
std::string_view name(ErrorClass error_class);
std::string_view name(Origin origin);

}  // namespace gemmetry::op
