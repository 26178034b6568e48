#include <algorithm>
#include <bit>

#include "gemmetry/backends/cuda/kernels.h"
#include "gemmetry/backends/cuda/stream.h"
#include "gemmetry/measure/operands.h"

// Streams of plain elementwise work: with i inputs and o outputs, out[e] = f(sum of x[e + j o]) where i >= o, else
// f(x[e modulo i]). One kernel where the counts agree or the input repeats, one that folds, one that folds long sums
// into few results.

namespace gemmetry::backends::cuda {
namespace {

using op::Function;

__device__ float apply(Function function, float x) {
  if (function == Function::scale) return measure::softmax_scale * x;
  if (function == Function::soft_cap) return 30.0f * tanhf(x * (1.0f / 30.0f));
  return x;
}

template <typename In, typename Out, int N>
__device__ Pack<Out, N> apply(Function function, const Pack<In, N>& in) {
  if constexpr (std::is_same_v<In, Out>) {
    if (function != Function::scale && function != Function::soft_cap) return in;
  }
  Pack<float, N> values = widen(in);
#pragma unroll
  for (int i = 0; i < N; ++i) values[i] = apply(function, values[i]);
  return narrow<Out>(values);
}

struct Streams {
  const void* x;
  void* y;
  std::int64_t reads;
  std::int64_t writes;
  Function function;
};

/// As many inputs as outputs, or fewer, which repeat.
template <typename In, typename Out, int N, bool repeats>
struct Map {
  static constexpr int size = N;

  const In* x;
  Out* y;
  std::int64_t reads;
  std::int64_t writes;
  Function function;
  Divisor by_reads;

  template <bool whole>
  __device__ Pack<In, N> load(std::int64_t at) const {
    if constexpr (!repeats) return stream_load<whole, N>(x, at, writes);
    if (!whole && at >= writes) return {};
    return stream_load<false, N>(x, by_reads.remainder(at), reads);
  }

  template <bool whole>
  __device__ void finish(std::int64_t at, const Pack<In, N>& in) const {
    stream_store<whole, N>(y, apply<In, Out, N>(function, in), at, writes);
  }
};

/// More inputs than outputs.
template <typename In, typename Out, int N>
struct Fold {
  static constexpr int size = N;

  const In* x;
  Out* y;
  std::int64_t reads;
  std::int64_t writes;
  Function function;

  template <bool whole>
  __device__ Pack<float, N> load(std::int64_t at) const {
    Pack<float, N> sum{};
    if (!whole && at >= writes) return sum;
    std::int64_t from = at;
#pragma unroll 4
    for (; from + N <= reads; from += writes) {
      const Pack<float, N> values = widen(cuda::load<N>(x + from));
#pragma unroll
      for (int i = 0; i < N; ++i) sum[i] += values[i];
    }
    if (N > 1 && from < reads) {
      const Pack<float, N> values = widen(load_some<N>(x, from, reads));
#pragma unroll
      for (int i = 0; i < N; ++i) sum[i] += values[i];
    }
    return sum;
  }

  template <bool whole>
  __device__ void finish(std::int64_t at, const Pack<float, N>& sum) const {
    stream_store<whole, N>(y, apply<float, Out, N>(function, sum), at, writes);
  }
};

inline constexpr int fold_threads = 1024;

/// Few results of long sums: blockDim.x results a block, each summed by blockDim.y threads.
template <typename In, typename Out>
__global__ void __launch_bounds__(fold_threads) fold_long(Streams s) {
  __shared__ float sums[fold_threads];
  const std::int64_t e = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const In* x = static_cast<const In*>(s.x);
  const int slot = threadIdx.y * blockDim.x + threadIdx.x;
  float sum = 0;
  if (e < s.writes) {
#pragma unroll 8
    for (std::int64_t from = e + threadIdx.y * s.writes; from < s.reads; from += blockDim.y * s.writes) {
      sum += widen(x[from]);
    }
  }
  sums[slot] = sum;
  for (int rows = blockDim.y / 2; rows > 0; rows /= 2) {
    __syncthreads();
    if (threadIdx.y < rows) sums[slot] += sums[slot + rows * blockDim.x];
  }
  if (threadIdx.y == 0 && e < s.writes) static_cast<Out*>(s.y)[e] = narrow<Out>(apply(s.function, sums[slot]));
}

template <typename In, typename Out, int N, int unroll>
Status run(const Streams& s, const Launch& on) {
  const In* x = static_cast<const In*>(s.x);
  Out* y = static_cast<Out*>(s.y);
  if (s.reads > s.writes) {
    const Fold<In, Out, N> body{x, y, s.reads, s.writes, s.function};
    return stream<(N > 1 ? 1 : unroll)>(body, s.writes, on.stream, "pointwise");
  }
  if (s.reads < s.writes) {
    const Map<In, Out, N, true> body{x, y, s.reads, s.writes, s.function, Divisor(s.reads)};
    return stream<unroll>(body, s.writes, on.stream, "pointwise");
  }
  const Map<In, Out, N, false> body{x, y, s.reads, s.writes, s.function, Divisor(s.reads)};
  return stream<unroll>(body, s.writes, on.stream, "pointwise");
}

template <typename In, typename Out>
Status run(const Streams& s, const Launch& on) {
  if (s.reads / s.writes >= 64 && s.writes < 65536) {
    const unsigned columns = std::min<unsigned>(32, std::bit_ceil(static_cast<unsigned>(s.writes)));
    const unsigned blocks = static_cast<unsigned>((s.writes + columns - 1) / columns);
    fold_long<In, Out><<<blocks, dim3(columns, fold_threads / columns), 0, on.stream>>>(s);
    return check(cudaGetLastError(), "pointwise");
  }
  // Packs, unless those of a later round of the shorter array would not be aligned.
  constexpr int n = 16 / std::max(sizeof(In), sizeof(Out));
  const bool aligned = s.reads == s.writes || std::min(s.reads, s.writes) % n == 0;
  return aligned ? run<In, Out, n, 4>(s, on) : run<In, Out, 1, 8>(s, on);
}

template <typename F>
Status with_stream_type(measure::Element element, F&& f) {
  if (element == measure::Element::fp32) return f(float{});
  if (element == measure::Element::fp8) return f(__nv_fp8_e4m3{});
  return f(__nv_bfloat16{});
}

}  // namespace

Status launch(const op::Pointwise& p, const StreamCounts& counts, const Launch& on) noexcept {
  if (counts.writes <= 0) return {};
  const bool reads = counts.reads > 0;
  void* y = on.operands[reads ? 1 : 0];
  if (!reads)
    return check(cudaMemsetAsync(y, 0, counts.writes * element_bytes(counts.written), on.stream), "pointwise");
  const Streams s{on.operands[0], y, counts.reads, counts.writes, p.function};
  return with_stream_type(counts.read, [&](auto in) {
    return with_stream_type(counts.written, [&](auto out) { return run<decltype(in), decltype(out)>(s, on); });
  });
}

}  // namespace gemmetry::backends::cuda
