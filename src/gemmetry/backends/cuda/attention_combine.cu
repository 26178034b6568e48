#include "gemmetry/backends/cuda/attention_parts.h"
#include "gemmetry/backends/cuda/following.h"

namespace gemmetry::backends::cuda {
namespace {

inline constexpr int threads = 128;

/// A block a query row and head. Threads take columns; those left over share the parts.
template <typename T>
__global__ void __launch_bounds__(threads) combine_parts(const __grid_constant__ AttentionArrays<T> a) {
  __shared__ float sums[threads];
  const std::int64_t row = blockIdx.x / a.heads;
  const int head = static_cast<int>(blockIdx.x % a.heads);
  const float* partial = a.partial + std::int64_t{blockIdx.x} * a.splits * a.value_dim;
  const float2* statistics = a.statistics + std::int64_t{blockIdx.x} * a.splits;
  T* o = a.o + row * a.o_stride + std::int64_t{head} * a.value_dim;
  const int columns = min(threads, a.value_dim);
  const int sharers = threads / columns;
  const int sharer = static_cast<int>(threadIdx.x) / columns;
  let_next_begin();
  wait_for_previous();

  float most = -INFINITY;
#pragma unroll 8
  for (int split = 0; split < a.splits; ++split) most = fmaxf(most, statistics[split].x);
  float weights = 0;
#pragma unroll 8
  for (int split = 0; split < a.splits; ++split) {
    const float2 part = statistics[split];
    if (part.x != -INFINITY) weights += part.y * exp2_fast(part.x - most);
  }
  const float share = weights > 0 ? 1 / weights : 0;

  for (int first = 0; first < a.value_dim; first += columns) {
    const int column = first + static_cast<int>(threadIdx.x) % columns;
    float sum = 0;
    if (sharer < sharers && column < a.value_dim) {
#pragma unroll 8
      for (int split = sharer; split < a.splits; split += sharers) {
        const float at = statistics[split].x;  // -infinity: the part saw no key and left nothing
        if (at != -INFINITY) sum += exp2_fast(at - most) * partial[std::int64_t{split} * a.value_dim + column];
      }
    }
    sums[threadIdx.x] = sum;
    __syncthreads();
    if (sharer == 0 && column < a.value_dim) {
      for (int other = 1; other < sharers; ++other) sum += sums[other * columns + static_cast<int>(threadIdx.x)];
      o[column] = narrow<T>(sum * share);
    }
    __syncthreads();
  }
}

}  // namespace

template <typename T>
Status combine(const AttentionArrays<T>& a, cudaStream_t stream) {
  const std::int64_t rows = std::int64_t{a.batch} * a.queries * a.heads;
  const Following how(dim3(static_cast<unsigned>(rows)), dim3(threads), stream);
  return launch_following(how, "put the parts of attention together", combine_parts<T>, a);
}

template Status combine(const AttentionArrays<float>&, cudaStream_t);
template Status combine(const AttentionArrays<__half>&, cudaStream_t);
template Status combine(const AttentionArrays<__nv_bfloat16>&, cudaStream_t);

}  // namespace gemmetry::backends::cuda
