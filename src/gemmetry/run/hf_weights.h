#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/measure/element.h"
#include "gemmetry/run/safetensors.h"
#include "gemmetry/run/weight_array.h"
#include "gemmetry/shape/model.h"

namespace gemmetry::run {

/// A model's arrays in a file that Hugging Face transformers wrote: under the family's names, some of them transposed,
/// interleaved or in several tensors.
class HfWeights {
 public:
  /// Finds every array. Error naming file and tensor where one is missing, has another shape than the model asks for,
  /// or has no place in the model. `file` outlives this.
  HfWeights(const Safetensors& file, const shape::Model& model);

  /// The array's values, rounded to `element`, to nearest even.
  std::vector<std::byte> read(const WeightArray& array, measure::Element element) const;

 private:
  /// A stored tensor that gives `rows` rows of an array, or as many entries of a vector.
  struct Piece {
    const StoredTensor* tensor = nullptr;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    bool transposed = false;  ///< stored as columns by rows
    std::int64_t heads = 0;   ///< stored head by head, query, key and value of each; 0: in order
  };
  static std::int64_t stored_row(const Piece& piece, std::int64_t row);
  void refuse_unplaced(const Safetensors& file, const shape::Model& model) const;

  std::map<std::string, std::vector<Piece>, std::less<>> pieces_;
};

}  // namespace gemmetry::run
