#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gemmetry::run {

enum class LengthKind {
  fixed,      ///< all of the mean
  uniform,    ///< 1 to twice the mean less one, each as likely
  lognormal,  ///< its logarithm's standard deviation is `spread`, as conversations' are near 1
};

std::string_view name(LengthKind kind);

/// How many tokens prompts or answers have. A length depends on seed and index alone.
struct Lengths {
  LengthKind kind = LengthKind::fixed;
  std::int64_t mean = 128;
  double spread = 1;                          ///< of lognormal lengths, standard deviation of the logarithm
  std::int64_t most = std::int64_t{1} << 40;  ///< longer ones are cut to it, which lowers the mean

  /// From 1 to `most`.
  std::int64_t at(std::uint64_t seed, std::uint64_t index) const;
};

/// Error for a mean or limit under 1, or a spread that is none; `what` is what messages call the lengths.
void require_valid(const Lengths& lengths, std::string_view what);

}  // namespace gemmetry::run
