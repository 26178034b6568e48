#include <cstring>

#include "gemmetry/backends/cpu/kernel_loops.h"

// Kernels that move rows and compute little or nothing.

namespace gemmetry::backends::cpu {
namespace {

using measure::Element;

/// Rows of a buffer, moved as they are; `from` null: zeros.
void copy(Element element, void* to, std::int64_t to_at, const void* from, std::int64_t from_at, std::int64_t count) {
  const std::int64_t bytes = measure::element_bytes(element);
  char* target = static_cast<char*>(to) + to_at * bytes;
  const auto size = static_cast<std::size_t>(count * bytes);
  if (from)
    std::memmove(target, static_cast<const char*>(from) + from_at * bytes, size);
  else
    std::memset(target, 0, size);
}

}  // namespace

void run(const measure::AppendKernel& kernel, void* const* operands) {
  const auto* positions = static_cast<const std::int32_t*>(operands[0]);
  const auto* slots = static_cast<const std::int32_t*>(operands[1]);
  for (std::int64_t row = 0; row < kernel.rows; ++row) {
    if (slots[row] < 0 || positions[row] < 0 || positions[row] >= kernel.capacity) continue;
    const std::int64_t place = slots[row] * kernel.capacity + positions[row];
    copy(kernel.element, operands[4], place * kernel.key_width, operands[2], row * kernel.k_stride, kernel.key_width);
    copy(kernel.element, operands[5], place * kernel.value_width, operands[3], row * kernel.v_stride,
         kernel.value_width);
  }
}

void run(const measure::EmbeddingKernel& kernel, void* const* operands) {
  const op::Embedding& e = kernel.embedding;
  const auto* tokens = static_cast<const std::int32_t*>(operands[0]);
  const Elements table(e.dtype, operands[1]);
  const auto* positions = e.positions ? static_cast<const std::int32_t*>(operands[2]) : nullptr;
  const Elements position_table(e.dtype, e.positions ? operands[3] : nullptr);
  const Elements y(e.dtype, operands[e.positions ? 4 : 2]);
  for (std::int64_t row = 0; row < e.tokens; ++row) {
    const bool known = tokens[row] >= 0 && tokens[row] < kernel.table_rows;
    const std::int64_t position = positions ? positions[row] + kernel.position_offset : -1;
    const bool placed = known && position >= 0 && position < kernel.position_rows;
    for (std::int64_t j = 0; j < e.width; ++j)
      y.set(row * e.width + j,
            (known ? table[tokens[row] * e.width + j] : 0) + (placed ? position_table[position * e.width + j] : 0));
  }
}

void run(const measure::GatherKernel& kernel, void* const* operands) {
  const auto* indices = static_cast<const std::int32_t*>(operands[1]);
  for (std::int64_t row = 0; row < kernel.rows; ++row)
    copy(kernel.element, operands[2], row * kernel.width, indices[row] < 0 ? nullptr : operands[0],
         indices[row] * kernel.x_stride, kernel.width);
}

void run(const measure::HeadsKernel& kernel, void* const* operands) {
  const std::int64_t written = kernel.heads * kernel.repeat;
  for (std::int64_t b = 0; b < kernel.batch; ++b)
    for (std::int64_t head = 0; head < written; ++head)
      for (std::int64_t token = 0; token < kernel.tokens; ++token) {
        const std::int64_t from = head / kernel.repeat;
        const std::int64_t by_token = b * kernel.sequence_stride + token * kernel.token_stride;
        const std::int64_t x_at = kernel.gather ? ((b * kernel.heads + from) * kernel.tokens + token) * kernel.dim
                                                : by_token + from * kernel.dim;
        const std::int64_t y_at =
            kernel.gather ? by_token + head * kernel.dim : ((b * written + head) * kernel.tokens + token) * kernel.dim;
        copy(kernel.element, operands[1], y_at, operands[0], x_at, kernel.dim);
      }
}

}  // namespace gemmetry::backends::cpu
