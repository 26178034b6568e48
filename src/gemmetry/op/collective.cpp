#include "gemmetry/op/collective.h"

#include <array>

#include "gemmetry/op/names.h"

namespace gemmetry::op {
namespace {

constexpr std::array<std::pair<CollectiveKind, std::string_view>, 4> kinds{
    {{CollectiveKind::all_reduce, "all_reduce"},
     {CollectiveKind::all_gather, "all_gather"},
     {CollectiveKind::reduce_scatter, "reduce_scatter"},
     {CollectiveKind::send, "send"}}};
constexpr std::array<std::pair<Span, std::string_view>, 2> spans{{{Span::node, "node"}, {Span::network, "network"}}};

}  // namespace

double bytes(const Collective& c) {
  const double ranks = static_cast<double>(c.ranks);
  if (c.collective == CollectiveKind::send) return c.size_bytes;
  const double once = ranks > 1 ? (ranks - 1) / ranks * c.size_bytes : 0;
  return c.collective == CollectiveKind::all_reduce ? 2 * once : once;
}

std::string_view name(CollectiveKind kind) { return name_in<CollectiveKind>(kinds, kind); }
CollectiveKind collective_from_name(std::string_view word) {
  return value_in<CollectiveKind>(kinds, "collective", word);
}
std::string_view name(Span span) { return name_in<Span>(spans, span); }
Span span_from_name(std::string_view word) { return value_in<Span>(spans, "span", word); }

}  // namespace gemmetry::op
