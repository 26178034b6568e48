#include "gemmetry/backends/cuda/items.h"
#include "gemmetry/backends/cuda/kernel_launches.h"
#include "gemmetry/backends/cuda/stream.h"

// Rows looked up: of a table for tokens, and of a matrix by indices.

namespace gemmetry::backends::cuda {
namespace {

template <typename T, int N, bool placed>
struct EmbeddingBody {
  const std::int32_t* tokens;
  const T* table;
  const std::int32_t* positions;
  const T* position_table;
  T* y;
  std::int64_t width;
  std::int64_t table_rows;
  std::int64_t position_rows;
  std::int64_t offset;
  Divisor by_packs;
  std::int64_t packs;

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t row = by_packs.quotient(item);
    const std::int64_t column = (item - row * packs) * N;
    const std::int64_t token = tokens[row];
    const bool known = token >= 0 && token < table_rows;
    Pack<T, N> out{};
    if (known) out = load<N>(table + token * width + column);
    if constexpr (placed) {
      const std::int64_t position = positions[row] + offset;
      if (known && position >= 0 && position < position_rows) {
        const Pack<T, N> other = load<N>(position_table + position * width + column);
        Pack<float, N> sum;
#pragma unroll
        for (int i = 0; i < N; ++i) sum[i] = widen(out, i) + widen(other, i);
        out = narrow<T>(sum);
      }
    }
    store(y + row * width + column, out);
  }
};

template <typename T, int N, bool placed>
Status run(const measure::EmbeddingKernel& kernel, const Launch& on) {
  const op::Embedding& e = kernel.embedding;
  const std::int64_t packs = e.width / N;
  const EmbeddingBody<T, N, placed> body{on.array<const std::int32_t>(0),
                                         on.array<const T>(1),
                                         placed ? on.array<const std::int32_t>(2) : nullptr,
                                         placed ? on.array<const T>(3) : nullptr,
                                         on.array<T>(placed ? 4 : 2),
                                         e.width,
                                         kernel.table_rows,
                                         kernel.position_rows,
                                         kernel.position_offset,
                                         Divisor(packs),
                                         packs};
  return each_item(body, e.tokens * packs, on.stream, "embedding");
}

template <typename T, int N>
struct GatherBody {
  const T* x;
  const std::int32_t* indices;
  T* y;
  std::int64_t width;
  std::int64_t stride;
  Divisor by_packs;
  std::int64_t packs;

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t row = by_packs.quotient(item);
    const std::int64_t column = (item - row * packs) * N;
    const std::int64_t index = indices[row];
    Pack<T, N> out{};
    if (index >= 0) out = load<N>(x + index * stride + column);
    store(y + row * width + column, out);
  }
};

template <typename T, int N>
Status run(const measure::GatherKernel& kernel, const Launch& on) {
  const std::int64_t packs = kernel.width / N;
  const GatherBody<T, N> body{on.array<const T>(0),
                              on.array<const std::int32_t>(1),
                              on.array<T>(2),
                              kernel.width,
                              kernel.x_stride,
                              Divisor(packs),
                              packs};
  return each_item(body, kernel.rows * packs, on.stream, "gather");
}

}  // namespace

Status launch(const measure::EmbeddingKernel& kernel, const Launch& on) noexcept {
  const op::Embedding& e = kernel.embedding;
  if (e.tokens <= 0 || e.width <= 0) return {};
  Status status;
  with_type(e.dtype, [&](auto zero) {
    using T = decltype(zero);
    constexpr int n = pack_size<T>;
    const bool whole = whole_packs<T>({e.width}) && begin_aligned({on.operands[1], on.operands[e.positions ? 4 : 2],
                                                                   e.positions ? on.operands[3] : nullptr});
    if (e.positions) {
      status = whole ? run<T, n, true>(kernel, on) : run<T, 1, true>(kernel, on);
    } else {
      status = whole ? run<T, n, false>(kernel, on) : run<T, 1, false>(kernel, on);
    }
  });
  return status;
}

Status launch(const measure::GatherKernel& kernel, const Launch& on) noexcept {
  if (kernel.rows <= 0 || kernel.width <= 0) return {};
  Status status;
  with_type(kernel.element, [&](auto zero) {
    using T = decltype(zero);
    const bool whole =
        whole_packs<T>({kernel.width, kernel.x_stride}) && begin_aligned({on.operands[0], on.operands[2]});
    status = whole ? run<T, pack_size<T>>(kernel, on) : run<T, 1>(kernel, on);
  });
  return status;
}

}  // namespace gemmetry::backends::cuda
