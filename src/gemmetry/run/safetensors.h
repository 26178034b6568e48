#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/measure/element.h"

namespace gemmetry::run {

/// A tensor as it lies in a file: little-endian, row-major.
struct StoredTensor {
  std::string name;
  std::string dtype;  ///< "BF16", "F32", "I64", ...
  std::vector<std::int64_t> shape;
  std::span<const std::byte> data;  ///< valid as long as the Safetensors it came from
  std::string file;

  std::int64_t elements() const;
  /// How its elements lie. Error naming file, tensor and dtype where it is none of F32, F16 and BF16.
  measure::Element element() const;
  /// "[48, 32]"
  std::string shape_text() const;
};

/// The tensors of a safetensors file, or of the files that an index names, mapped into memory.
class Safetensors {
 public:
  /// A .safetensors file, a model.safetensors.index.json, or a folder with either. Error naming file, tensor and value
  /// for what is missing, truncated, malformed, overlapping, out of range or of an unknown dtype.
  explicit Safetensors(const std::string& path);

  /// Null where there is none of that name.
  const StoredTensor* find(std::string_view name) const;
  /// Error naming the nearest name otherwise.
  const StoredTensor& at(std::string_view name) const;

  const std::map<std::string, StoredTensor, std::less<>>& tensors() const { return tensors_; }
  /// What messages call it.
  const std::string& source() const { return source_; }

 private:
  class Mapping;
  void read_file(const std::string& path);
  void read_index(const std::string& path);

  std::string source_;
  std::vector<std::shared_ptr<const Mapping>> mappings_;
  std::map<std::string, StoredTensor, std::less<>> tensors_;
};

}  // namespace gemmetry::run
