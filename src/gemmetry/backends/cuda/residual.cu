#include "gemmetry/backends/cuda/kernels.h"
#include "gemmetry/backends/cuda/stream.h"
#include "gemmetry/measure/operands.h"

// y = x + branch (+ bias), the branch through dropout where asked; backward, the branch's gradient through the mask.

namespace gemmetry::backends::cuda {
namespace {

using Mask = std::uint8_t;

template <typename T, bool bias, bool dropout>
struct ResidualForward {
  static constexpr int size = pack_size<T>;
  struct Inputs {
    Pack<T, size> x;
    Pack<T, size> branch;
  };

  const T* x;
  const T* branch;
  const T* bias_row;
  T* y;
  Mask* mask;
  std::int64_t elements;
  std::int64_t width;
  Divisor by_width;

  template <bool whole>
  __device__ Inputs load(std::int64_t at) const {
    return {stream_load<whole, size>(x, at, elements), stream_load<whole, size>(branch, at, elements)};
  }

  /// A pack may go over the end of a row.
  __device__ Pack<T, size> load_bias(std::int64_t at) const {
    std::int64_t column = by_width.remainder(at);
    if (width % size == 0) return cuda::load<size>(bias_row + column);
    Pack<T, size> values{};
#pragma unroll
    for (int i = 0; i < size; ++i) {
      values.set(i, bias_row[column]);
      column = column + 1 == width ? 0 : column + 1;
    }
    return values;
  }

  template <bool whole>
  __device__ void finish(std::int64_t at, const Inputs& loaded) const {
    if (!whole && at >= elements) return;
    const Pack<float, size> a = widen(loaded.x);
    Pack<float, size> b = widen(loaded.branch);
    if constexpr (bias) {
      const Pack<float, size> row = widen(load_bias(at));
#pragma unroll
      for (int i = 0; i < size; ++i) b[i] += row[i];
    }
    if constexpr (dropout) {
      Pack<Mask, size> kept{};
#pragma unroll
      for (int i = 0; i < size; ++i) {  // the compiler makes one random word of each four
        const bool keep = measure::dropout_keeps(static_cast<std::uint64_t>(at / 4 + i / 4) * 4 + i % 4);
        kept.set(i, keep);
        b[i] = keep ? b[i] * measure::dropout_scale : 0.0f;
      }
      stream_store<whole, size>(mask, kept, at, elements);
    }
    Pack<float, size> sum;
#pragma unroll
    for (int i = 0; i < size; ++i) sum[i] = a[i] + b[i];
    stream_store<whole, size>(y, narrow<T>(sum), at, elements);
  }
};

/// Without dropout the gradient goes through as it is.
template <typename T, bool dropout>
struct ResidualBackward {
  static constexpr int size = pack_size<T>;
  struct Inputs {
    Pack<T, size> gradient;
    Pack<Mask, dropout ? size : 1> mask;
  };

  const T* gradient;
  const Mask* mask;
  T* branch_gradient;
  std::int64_t elements;

  template <bool whole>
  __device__ Inputs load(std::int64_t at) const {
    Inputs loaded;
    loaded.gradient = stream_load<whole, size>(gradient, at, elements);
    if constexpr (dropout) loaded.mask = stream_load<whole, size>(mask, at, elements);
    return loaded;
  }

  template <bool whole>
  __device__ void finish(std::int64_t at, const Inputs& loaded) const {
    if constexpr (dropout) {
      Pack<float, size> values = widen(loaded.gradient);
#pragma unroll
      for (int i = 0; i < size; ++i) values[i] = loaded.mask[i] ? values[i] * measure::dropout_scale : 0.0f;
      stream_store<whole, size>(branch_gradient, narrow<T>(values), at, elements);
    } else {
      stream_store<whole, size>(branch_gradient, loaded.gradient, at, elements);
    }
  }
};

template <typename T, bool bias, bool dropout>
Status forward(const op::Residual& r, const Launch& on) {
  const std::int64_t elements = r.rows * r.width;
  const int y = bias ? 3 : 2;
  const ResidualForward<T, bias, dropout> body{on.array<const T>(0),
                                               on.array<const T>(1),
                                               bias ? on.array<const T>(2) : nullptr,
                                               on.array<T>(y),
                                               dropout ? on.array<Mask>(y + 1) : nullptr,
                                               elements,
                                               r.width,
                                               Divisor(r.width)};
  return stream<2>(body, elements, on.stream, "residual");
}

template <typename T>
Status backward(const op::Residual& r, const Launch& on) {
  const std::int64_t elements = r.rows * r.width;
  if (r.dropout) {
    const ResidualBackward<T, true> body{on.array<const T>(0), on.array<const Mask>(1), on.array<T>(2), elements};
    return stream<4>(body, elements, on.stream, "residual backward");
  }
  const ResidualBackward<T, false> body{on.array<const T>(0), nullptr, on.array<T>(1), elements};
  return stream<4>(body, elements, on.stream, "residual backward");
}

}  // namespace

Status launch(const op::Residual& r, const Launch& on) noexcept {
  if (r.rows <= 0 || r.width <= 0) return {};
  Status status;
  with_type(r.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (r.backward) {
      status = backward<T>(r, on);
    } else if (r.bias) {
      status = r.dropout ? forward<T, true, true>(r, on) : forward<T, true, false>(r, on);
    } else {
      status = r.dropout ? forward<T, false, true>(r, on) : forward<T, false, false>(r, on);
    }
  });
  return status;
}

}  // namespace gemmetry::backends::cuda
