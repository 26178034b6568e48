#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "gemmetry/advise/space.h"

namespace gemmetry::advise {

/// Parameter counts of all shapes at one hidden size without counting each: what attention and the FFN add to a layer
/// does not depend on one another, nor on the vocabulary. All from shape::count_parameters and shape::layer_parameters.
class ParameterTable {
 public:
  ParameterTable(const shape::Model& from, const Choices& choices);

  /// Counts that follow are of this many layers.
  void set_layers(std::int64_t layers);

  /// Equal to shape::count_parameters of that shape. Indices are those of the choices.
  std::int64_t total(std::size_t attention, std::size_t ffn, std::size_t vocab) const {
    return ends_[vocab] + attention_[attention] + ffn_[ffn];
  }

  /// The FFN widths [first, last) with which a shape of that vocabulary has between `low` and `high` parameters.
  std::pair<std::size_t, std::size_t> ffn_range(std::size_t attention, std::size_t vocab, std::int64_t low,
                                                std::int64_t high) const;

 private:
  struct OfKind {
    shape::LayerKind kind;
    std::vector<std::int64_t> attention;  ///< of a layer, norms and the first FFN width included
    std::vector<std::int64_t> ffn;        ///< of a layer, beyond the first FFN width
  };
  shape::Model scratch_;
  const shape::Model& from_;
  const Choices& choices_;
  std::vector<OfKind> kinds_;
  std::vector<std::int64_t> ends_;       ///< of the model, outside its layers
  std::vector<std::int64_t> attention_;  ///< of all layers
  std::vector<std::int64_t> ffn_;
};

}  // namespace gemmetry::advise
