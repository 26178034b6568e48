#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "gemmetry/shape/model.h"

namespace gemmetry::advise {

/// The sizes that a search may change; what follows from them (value and rotary dimensions, embedding width, the width
/// of shared experts) keeps its ratio.
struct Sizes {
  std::int64_t hidden = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t ffn = 0;  ///< width of the dense FFN, or of one expert in a model that has experts
  std::int64_t vocab = 0;
  auto operator<=>(const Sizes&) const = default;  // NOLINT(modernize-use-nullptr): mistaken by clang-tidy 14
};

Sizes sizes_of(const shape::Model& model);

/// Gives `scratch`, a copy of `from`, these sizes. Allocates only where the number of layers changes and layers differ.
void apply(const Sizes& sizes, const shape::Model& from, shape::Model& scratch);

/// A copy of `from` with these sizes.
shape::Model with_sizes(const shape::Model& from, const Sizes& sizes);

/// How many sizes differ, a head dimension that follows from the heads aside.
int differences(const Sizes& from, const Sizes& to);

/// "heads 32 -> 20, vocab 50257 -> 50304"; "none" for equal sizes.
std::string change(const Sizes& from, const Sizes& to);

}  // namespace gemmetry::advise
