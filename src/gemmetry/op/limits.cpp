#include "gemmetry/op/limits.h"

#include <fmt/format.h>

#include "gemmetry/base/error.h"

namespace gemmetry::op {
namespace {

constexpr double most_bytes = 0x1p53;
constexpr double most_flop = 0x1p80;

void require_consistent(const Attention& attention) {
  if (attention.heads % attention.kv_heads != 0)
    throw Error(fmt::format("heads = {}: expected a multiple of kv_heads = {}", attention.heads, attention.kv_heads));
  if (attention.causal && attention.queries > attention.keys)
    throw Error(fmt::format("queries = {}: expected at most keys = {}, as the mask is causal", attention.queries,
                            attention.keys));
}

void require_consistent(const Collective& collective) {
  if (collective.size_bytes <= 0)
    throw Error(fmt::format("size_bytes = {}: expected a number above 0", collective.size_bytes));
}

template <class Op>
void require_consistent(const Op&) {}

}  // namespace

void require_priceable(const Operator& op) {
  std::visit([](const auto& one) { require_consistent(one); }, op);
  // Written so that a NaN is refused too.
  const bool sane = bytes(op) <= most_bytes && flop(op) <= most_flop;
  if (!sane) throw Error(fmt::format("the sizes of this {} are too large: it would move over 2^53 bytes", kind(op)));
}

}  // namespace gemmetry::op
