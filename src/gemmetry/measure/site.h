#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gemmetry/op/operator.h"

// Which records are held out: a fifth of all sites, never used for fitting by anything in the project, so that a model
// is judged on shapes it has seen nothing of.

namespace gemmetry::measure {

/// What is held out as a whole: the sizes that a layer's forward pass and gradients share, whatever their dtype, layout
/// and tokens. "gemm 4096 11008": the weight matrix, smaller size first; "bmm 64 128": head dimension and batch;
/// "attention 128 32": head dimension and query heads; "norm 4096": the width.
std::string site_of(const op::Operator& op);

/// Whether the operator's site is held out.
bool is_held_out(const op::Operator& op);

/// The column of record files that says so.
inline constexpr std::string_view held_out_key = "held_out";

/// The hash that decides: FNV-1a and the finaliser of splitmix64. Fixed for ever: records on file are marked by it.
std::uint64_t site_hash(std::string_view site);

}  // namespace gemmetry::measure
