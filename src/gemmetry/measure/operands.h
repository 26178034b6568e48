#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "gemmetry/measure/element.h"
#include "gemmetry/measure/random_data.h"
#include "gemmetry/op/operator.h"

namespace gemmetry::measure {

/// What a backend does with an operand.
enum class Use { in, out, in_out };

/// What an operand holds before the operator runs.
enum class Fill {
  none,      ///< an output: poisoned before a check
  uniform,   ///< [-1, 1)
  positive,  ///< [0, 1)
  index,     ///< whole numbers below `limit`
  flag,      ///< bytes 0 or 1, each as likely
  forward,   ///< what the forward pass would have left: Backend::prepare makes it from the other operands
};

/// One array an operator reads or writes: `rows` by `columns` elements, row-major, dense.
struct Operand {
  std::string_view name;
  Element element = Element::bf16;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  Use use = Use::in;
  Fill fill = Fill::uniform;
  std::int64_t limit = 0;

  std::int64_t elements() const { return rows * columns; }
  std::int64_t bytes() const { return elements() * element_bytes(element); }
};

/// The arrays of an operator, in the order in which every backend and the oracle take them: inputs, then outputs. See
/// operands.cpp for what each operator computes from them. Empty for collectives, which no single device runs.
std::vector<Operand> operands(const op::Operator& op);

/// Of all of them together.
std::int64_t operand_bytes(const op::Operator& op);

/// Rows of the tables that Embedding looks up in: its operator does not say, so that of a usual vocabulary.
inline constexpr std::int64_t embedding_rows = 32768;
/// Length of the positions' table: tokens take positions 0, 1, ... and begin again after it.
inline constexpr std::int64_t embedding_positions = 2048;

/// Rows of expert `expert` when `rows` are spread evenly: the first experts take what does not divide.
constexpr std::int64_t rows_of_expert(std::int64_t rows, std::int64_t experts, std::int64_t expert) {
  return rows / experts + (expert < rows % experts ? 1 : 0);
}

inline constexpr double norm_epsilon = 1e-5;
inline constexpr float softmax_scale = 0.125f;

/// Columns that a masked softmax's row leaves visible: its own position and those before it where the rows are those of
/// square matrices, all otherwise.
constexpr std::int64_t softmax_visible(const op::Softmax& softmax, std::int64_t row) {
  const bool square = softmax.rows % softmax.columns == 0;
  return softmax.masked && square ? row % softmax.columns + 1 : softmax.columns;
}

/// Dropout keeps an element when its random byte is at least this: one in ten goes.
inline constexpr std::uint32_t dropout_threshold = 26;
inline constexpr float dropout_scale = 256.0f / (256.0f - 26.0f);
inline constexpr std::uint64_t dropout_seed = 17;

/// One random word serves four elements.
GEMMETRY_HOST_DEVICE constexpr bool dropout_keeps(std::uint64_t element) {
  return ((random_word(dropout_seed, element / 4) >> (8 * (element % 4))) & 0xff) >= dropout_threshold;
}

/// AdamW as measured: decoupled decay, first step's bias corrections.
struct AdamW {
  float learning_rate = 1e-3f;
  float beta1 = 0.9f;
  float beta2 = 0.95f;
  float epsilon = 1e-8f;
  float decay = 0.1f;
};

}  // namespace gemmetry::measure
