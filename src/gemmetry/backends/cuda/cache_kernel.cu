#include "gemmetry/backends/cuda/items.h"
#include "gemmetry/backends/cuda/kernel_launches.h"
#include "gemmetry/backends/cuda/stream.h"

// Rows of keys and values into the cache, and heads laid out for products of their own: elements moved as they are.

namespace gemmetry::backends::cuda {
namespace {

template <typename T, int N>
struct AppendBody {
  const std::int32_t* positions;
  const std::int32_t* slots;
  const T* k;
  const T* v;
  T* key_cache;
  T* value_cache;
  std::int64_t key_width;
  std::int64_t value_width;
  std::int64_t k_stride;
  std::int64_t v_stride;
  std::int64_t capacity;
  Divisor by_packs;
  std::int64_t packs;  ///< of a row's keys and values together

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t row = by_packs.quotient(item);
    const std::int64_t slot = slots[row];
    const std::int64_t position = positions[row];
    if (slot < 0 || position < 0 || position >= capacity) return;
    const std::int64_t place = slot * capacity + position;
    const std::int64_t column = (item - row * packs) * N;
    if (column < key_width) {
      store(key_cache + place * key_width + column, load<N>(k + row * k_stride + column));
    } else {
      const std::int64_t of_value = column - key_width;
      store(value_cache + place * value_width + of_value, load<N>(v + row * v_stride + of_value));
    }
  }
};

template <typename T, int N>
Status run(const measure::AppendKernel& kernel, const Launch& on) {
  const std::int64_t packs = (kernel.key_width + kernel.value_width) / N;
  const AppendBody<T, N> body{on.array<const std::int32_t>(0),
                              on.array<const std::int32_t>(1),
                              on.array<const T>(2),
                              on.array<const T>(3),
                              on.array<T>(4),
                              on.array<T>(5),
                              kernel.key_width,
                              kernel.value_width,
                              kernel.k_stride,
                              kernel.v_stride,
                              kernel.capacity,
                              Divisor(packs),
                              packs};
  return each_item(body, kernel.rows * packs, on.stream, "append");
}

/// Items go through what is written: batch, head, token, pack; with `gather` batch, token, head, pack.
template <typename T, int N>
struct HeadsBody {
  const T* x;
  T* y;
  std::int64_t tokens;
  std::int64_t heads;
  std::int64_t dim;
  std::int64_t token_stride;
  std::int64_t sequence_stride;
  Divisor by_packs;
  Divisor by_inner;
  Divisor by_outer;
  Divisor by_repeat;
  std::int64_t repeat;
  bool gather;

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t row = by_packs.quotient(item);
    const std::int64_t column = by_packs.remainder(item) * N;
    const std::int64_t rest = by_inner.quotient(row);
    const std::int64_t inner = by_inner.remainder(row);
    const std::int64_t batch = by_outer.quotient(rest);
    const std::int64_t outer = by_outer.remainder(rest);
    const std::int64_t head = gather ? inner : outer;
    const std::int64_t token = gather ? outer : inner;
    const std::int64_t from = by_repeat.quotient(head);
    const std::int64_t by_token = batch * sequence_stride + token * token_stride + column;
    if (gather) {
      store(y + by_token + head * dim, load<N>(x + ((batch * heads + from) * tokens + token) * dim + column));
    } else {
      store(y + ((batch * heads * repeat + head) * tokens + token) * dim + column, load<N>(x + by_token + from * dim));
    }
  }
};

template <typename T, int N>
Status run(const measure::HeadsKernel& h, const Launch& on) {
  const std::int64_t written = h.heads * h.repeat;
  const HeadsBody<T, N> body{on.array<const T>(0),
                             on.array<T>(1),
                             h.tokens,
                             h.heads,
                             h.dim,
                             h.token_stride,
                             h.sequence_stride,
                             Divisor(h.dim / N),
                             Divisor(h.gather ? written : h.tokens),
                             Divisor(h.gather ? h.tokens : written),
                             Divisor(h.repeat),
                             h.repeat,
                             h.gather};
  return each_item(body, h.batch * h.tokens * written * (h.dim / N), on.stream, "heads");
}

}  // namespace

Status launch(const measure::AppendKernel& a, const Launch& on) noexcept {
  if (a.rows <= 0 || a.key_width + a.value_width <= 0) return {};
  Status status;
  with_type(a.element, [&](auto zero) {
    using T = decltype(zero);
    const bool whole = whole_packs<T>({a.key_width, a.value_width, a.k_stride, a.v_stride}) &&
                       begin_aligned({on.operands[2], on.operands[3], on.operands[4], on.operands[5]});
    status = whole ? run<T, pack_size<T>>(a, on) : run<T, 1>(a, on);
  });
  return status;
}

Status launch(const measure::HeadsKernel& h, const Launch& on) noexcept {
  if (h.batch <= 0 || h.tokens <= 0 || h.heads <= 0 || h.dim <= 0) return {};
  Status status;
  with_type(h.element, [&](auto zero) {
    using T = decltype(zero);
    const bool whole =
        whole_packs<T>({h.dim, h.token_stride, h.sequence_stride}) && begin_aligned({on.operands[0], on.operands[1]});
    status = whole ? run<T, pack_size<T>>(h, on) : run<T, 1>(h, on);
  });
  return status;
}

}  // namespace gemmetry::backends::cuda
