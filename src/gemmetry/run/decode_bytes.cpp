#include "gemmetry/run/decode_bytes.h"

#include <algorithm>

#include "gemmetry/measure/element.h"
#include "gemmetry/run/weight_array.h"

namespace gemmetry::run {

DecodeBytes decode_bytes(const shape::Model& model, shape::Dtype dtype, std::int64_t requests, double cached) {
  const auto element = static_cast<double>(element_bytes(measure::element_of(dtype)));
  DecodeBytes bytes;
  for (const WeightArray& array : weight_arrays(model)) {
    const bool tied_head = model.head.present && model.head.tied && array.name == "tokens.weight";
    const bool table = array.name == "tokens.weight" || array.name == "positions.weight";
    if (!table || tied_head) bytes.weights += element * static_cast<double>(array.elements());
  }
  const shape::AttentionShape& a = model.attention;
  const auto width = static_cast<double>(a.kv_heads * (a.head_dim + a.value_dim));
  for (const auto& [kind, count] : shape::layer_groups(model)) {
    const double seen = kind.windowed ? std::min(cached + 1, static_cast<double>(a.window)) : cached + 1;
    bytes.cache += element * width * seen * static_cast<double>(count * requests);
  }
  return bytes;
}

}  // namespace gemmetry::run
