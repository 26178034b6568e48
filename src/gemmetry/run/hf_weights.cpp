#include "gemmetry/run/hf_weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstring>
#include <set>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/rounding.h"
#include "gemmetry/run/hf_names.h"

namespace gemmetry::run {
namespace {

using measure::Element;

/// "layers.3.qkv.weight" as its parts; a model's own arrays have no layer.
struct ArrayName {
  std::string_view layer;  ///< "3"
  std::string_view stem;   ///< "qkv"
  std::string_view kind;   ///< "weight" or "bias"
};

ArrayName parts_of(std::string_view name) {
  ArrayName parts;
  constexpr std::string_view layers = "layers.";
  if (name.starts_with(layers)) {
    name.remove_prefix(layers.size());
    parts.layer = name.substr(0, name.find('.'));
    name.remove_prefix(parts.layer.size() + 1);
  }
  parts.stem = name.substr(0, name.rfind('.'));
  parts.kind = name.substr(parts.stem.size() + 1);
  return parts;
}

const HfNames& names_of(const shape::Model& model) {
  if (const HfNames* names = hf_names(model.family)) return *names;
  throw Error(
      fmt::format("weights of family '{}' cannot be read yet: gpt2, gpt_neox, opt, llama, mistral, qwen2 and "
                  "qwen3 can; leave --weights out for random ones",
                  model.family));
}

const HfName& name_of(const HfNames& names, std::string_view stem, const shape::Model& model) {
  for (const HfName& name : names.names)
    if (name.ours == stem) return name;
  throw Error(fmt::format("'{}' of {} has no name in files of family '{}'", stem, model.name, model.family));
}

/// The prefix, or nothing where the file is a bare model's.
std::string_view prefix_of(const HfNames& names, const Safetensors& file) {
  const auto first = file.tensors().lower_bound(names.prefix);
  return first != file.tensors().end() && first->first.starts_with(names.prefix) ? names.prefix : std::string_view();
}

/// How many rows of an array each of its tensors has.
std::array<std::int64_t, 3> rows_of(std::string_view stem, bool several, std::int64_t rows, const shape::Model& model) {
  const shape::AttentionShape& a = model.attention;
  if (several && stem == "qkv") return {a.heads * a.head_dim, a.kv_heads * a.head_dim, a.kv_heads * a.value_dim};
  if (several && stem == "gate_up") return {model.ffn.width, model.ffn.width, 0};
  return {rows, 0, 0};
}

/// Buffers of older files that are no weights, and a head that is the token table again.
bool is_no_weight(std::string_view name, const HfNames& names, const shape::Model& model) {
  for (const std::string_view end : {"attn.bias", "attn.masked_bias", "attention.bias", "attention.masked_bias",
                                     "rotary_emb.inv_freq", "position_ids"})
    if (name.ends_with(end)) return true;
  return model.head.tied && name.starts_with(names.head);
}

/// A header of any length comes before the data: elements need not be aligned.
float stored_value(const std::byte* from, Element stored, std::int64_t index) {
  alignas(float) std::byte one[sizeof(float)];
  std::memcpy(one, from + index * element_bytes(stored), static_cast<std::size_t>(element_bytes(stored)));
  return measure::load(stored, one, 0);
}

void copy_values(const std::byte* from, Element stored, std::byte* to, Element element, std::int64_t count) {
  if (stored == element) {
    std::memcpy(to, from, static_cast<std::size_t>(count * element_bytes(element)));
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) measure::store(element, to, i, stored_value(from, stored, i));
}

}  // namespace

HfWeights::HfWeights(const Safetensors& file, const shape::Model& model) {
  const HfNames& names = names_of(model);
  const std::string_view prefix = prefix_of(names, file);
  for (const WeightArray& array : weight_arrays(model)) {
    if (array.random.scale == 0) continue;
    const auto [layer, stem, kind] = parts_of(array.name);
    const bool head = stem == "head";
    const HfName name = head ? HfName{stem, {names.head}} : name_of(names, stem, model);
    const bool linear = stem == "qkv" || stem == "projection" || stem == "up" || stem == "gate_up" || stem == "down";
    const bool transposed = names.transposed && linear && !array.vector;
    const std::int64_t rows = array.vector ? array.columns : array.rows;
    const std::int64_t columns = array.vector ? 1 : array.columns;
    const auto split = rows_of(stem, !name.stored[1].empty(), rows, model);
    for (std::size_t i = 0; i < split.size() && split[i] > 0; ++i) {
      std::string place(head ? std::string_view() : prefix);
      if (!layer.empty()) place += fmt::format("{}{}.", names.layers, layer);
      const StoredTensor& tensor = file.at(fmt::format("{}{}.{}", place, name.stored[i], kind));
      std::vector<std::int64_t> expected{split[i]};
      if (!array.vector) expected.insert(transposed ? expected.begin() : expected.end(), columns);
      if (tensor.shape != expected)
        throw Error(
            fmt::format("{}: tensor '{}' is {}, but the config asks for [{}]; take the config.json that came "
                        "with the file",
                        tensor.file, tensor.name, tensor.shape_text(), fmt::join(expected, ", ")));
      tensor.element();  // one that can be read
      const bool interleaved = names.interleaved && stem == "qkv";
      pieces_[array.name].push_back({&tensor, split[i], columns, transposed, interleaved ? model.attention.heads : 0});
    }
  }
  refuse_unplaced(file, model);
}

void HfWeights::refuse_unplaced(const Safetensors& file, const shape::Model& model) const {
  std::set<const StoredTensor*> placed;
  for (const auto& [name, pieces] : pieces_)
    for (const Piece& piece : pieces) placed.insert(piece.tensor);
  const HfNames& names = names_of(model);
  for (const auto& [name, tensor] : file.tensors())
    if (!placed.contains(&tensor) && !is_no_weight(name, names, model))
      throw Error(
          fmt::format("{}: tensor '{}' {} has no place in the config's model of {} layers; take the config.json "
                      "that came with the file",
                      tensor.file, name, tensor.shape_text(), model.layers));
}

/// Which stored row is the array's row `row`: with rows stored head by head, [query, key, value] of `dim` rows each.
std::int64_t HfWeights::stored_row(const Piece& piece, std::int64_t row) {
  if (piece.heads == 0) return row;
  const std::int64_t dim = piece.rows / (3 * piece.heads);
  const std::int64_t part = row / (piece.heads * dim);
  const std::int64_t head = row / dim % piece.heads;
  return (head * 3 + part) * dim + row % dim;
}

std::vector<std::byte> HfWeights::read(const WeightArray& array, Element element) const {
  const std::int64_t size = element_bytes(element);
  std::vector<std::byte> values(static_cast<std::size_t>(array.elements() * size));
  if (array.random.scale == 0) {
    for (std::int64_t i = 0; i < array.elements(); ++i) measure::store(element, values.data(), i, array.random.mean);
    return values;
  }
  std::byte* to = values.data();
  for (const Piece& piece : pieces_.at(array.name)) {
    const Element stored = piece.tensor->element();
    const std::byte* from = piece.tensor->data.data();
    for (std::int64_t row = 0; row < piece.rows; ++row, to += piece.columns * size) {
      if (piece.transposed) {
        for (std::int64_t column = 0; column < piece.columns; ++column)
          measure::store(element, to, column, stored_value(from, stored, column * piece.rows + row));
      } else {
        copy_values(from + stored_row(piece, row) * piece.columns * element_bytes(stored), stored, to, element,
                    piece.columns);
      }
    }
  }
  return values;
}

}  // namespace gemmetry::run
