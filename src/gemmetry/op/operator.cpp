#include "gemmetry/op/operator.h"

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace gemmetry::op {
namespace {

std::uint64_t bits(double value) {
  std::uint64_t result;
  std::memcpy(&result, &value, sizeof result);
  return result;
}

template <class Value>
std::uint64_t bits(Value value) {
  return static_cast<std::uint64_t>(value);
}

/// Multiply-and-fold, as in wyhash: fast, and good enough for tables of a few hundred thousand operators.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xe7037ed1a0b428dbu);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

double flop(const Operator& op) {
  return std::visit(
      [](const auto& o) -> double {
        using Op = std::remove_cvref_t<decltype(o)>;
        if constexpr (std::is_same_v<Op, Gemm> || std::is_same_v<Op, GroupedGemm> || std::is_same_v<Op, Attention>)
          return flop(o);
        else
          return 0;
      },
      op);
}

double bytes(const Operator& op) {
  return std::visit([](const auto& o) { return bytes(o); }, op);
}

std::string_view kind(const Operator& op) {
  return std::visit([](const auto& o) { return std::remove_cvref_t<decltype(o)>::kind; }, op);
}

std::size_t hash(const Operator& op) {
  std::uint64_t seed = op.index() + 1;
  std::visit(
      [&](const auto& o) {
        std::apply([&](const auto&... field) { ((seed = mix(seed, bits(o.*(field.member)))), ...); },
                   std::remove_cvref_t<decltype(o)>::fields());
      },
      op);
  return seed;
}

}  // namespace gemmetry::op
