#pragma once

#include <span>
#include <string_view>

namespace gemmetry::run {

/// What one of our arrays is called by a family: a name for each tensor that it lies in.
struct HfName {
  std::string_view ours;
  std::string_view stored[3] = {};
};

/// How a family's files name and lay out a model's arrays.
struct HfNames {
  std::string_view prefix;  ///< of all but the head; files of bare models go without
  std::string_view layers;  ///< between prefix and the layer's number
  std::string_view head;
  std::span<const HfName> names;
  bool transposed = false;   ///< linear layers are stored as in by out (GPT-2's Conv1D)
  bool interleaved = false;  ///< query, key and value stand side by side for each head (GPT-NeoX)
};

/// Null for a family whose files are not known.
const HfNames* hf_names(std::string_view family);

}  // namespace gemmetry::run
