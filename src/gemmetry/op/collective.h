#pragma once

#include <cstdint>
#include <string_view>
#include <tuple>

#include "gemmetry/op/field.h"

namespace gemmetry::op {

enum class CollectiveKind { all_reduce, all_gather, reduce_scatter, send };

/// Over which wires: the GPUs of a node, or between nodes.
enum class Span { node, network };

/// A collective among `ranks` GPUs over a buffer of `size_bytes` (the full buffer: what all_reduce reduces, all_gather
/// collects, reduce_scatter spreads; what send sends).
struct Collective {
  CollectiveKind collective = CollectiveKind::all_reduce;
  std::int64_t ranks = 1;
  double size_bytes = 0;
  Span span = Span::node;

  static constexpr std::string_view kind = "collective";
  static constexpr auto fields() {
    return std::make_tuple(Field{"collective", &Collective::collective, false},
                           Field{"ranks", &Collective::ranks, true}, Field{"size_bytes", &Collective::size_bytes, true},
                           Field{"span", &Collective::span, false});
  }
  bool operator==(const Collective&) const = default;
};

/// Bytes one GPU sends over its links with the ring algorithm: 2 (r-1)/r of the buffer for all_reduce, (r-1)/r for
/// all_gather and reduce_scatter, all of it for send.
double bytes(const Collective& collective);

std::string_view name(CollectiveKind kind);
CollectiveKind collective_from_name(std::string_view name);  ///< Error naming the choices
std::string_view name(Span span);
Span span_from_name(std::string_view name);  ///< Error naming the choices

}  // namespace gemmetry::op
