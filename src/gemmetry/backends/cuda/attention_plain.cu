#include "gemmetry/backends/cuda/attention_parts.h"
#include "gemmetry/backends/cuda/following.h"

// Attention without tensor cores, for every element and dimension: a block does one query of one head and one part of
// its keys, each warp a tile of keys at a time.

namespace gemmetry::backends::cuda {
namespace {

inline constexpr int warps = 4;
inline constexpr int threads = warps * 32;
inline constexpr int tile = 16;
inline constexpr int at_once = 4;  ///< keys whose loads are in flight together

/// A lane keeps `Columns` of the values' columns.
template <typename T, int Columns>
__global__ void __launch_bounds__(threads) plain(const __grid_constant__ AttentionArrays<T> a) {
  extern __shared__ float shared[];  // the query; then each warp's values
  __shared__ float2 of_warps[warps];
  float* const q = shared;
  float* const values = shared + a.head_dim;
  let_next_begin();
  wait_for_previous();
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int split = static_cast<int>(blockIdx.x % a.splits);
  const std::int64_t item = blockIdx.x / a.splits;
  const int head = static_cast<int>(item % a.heads);
  const std::int64_t row = item / a.heads;
  const int sequence = static_cast<int>(row / a.queries);
  const int query = static_cast<int>(row % a.queries);
  const int kv_head = head / (a.heads / a.kv_heads);
  const Span all = visible(a, length_of(a, sequence), query);
  const Part part = part_of(a, all, split);
  const std::int64_t slot = slot_of(a, sequence);
  const T* k = a.k + slot * a.k_sequence + std::int64_t{kv_head} * a.head_dim;
  const T* v = a.v + slot * a.v_sequence + std::int64_t{kv_head} * a.value_dim;
  for (int d = threadIdx.x; d < a.head_dim; d += threads) {
    q[d] = widen(a.q[row * a.q_stride + std::int64_t{head} * a.head_dim + d]);
  }
  __syncthreads();

  float most = -INFINITY;
  float sum = 0;
  float out[Columns]{};
  for (int base = part.base + warp * tile; base < part.seen.end; base += warps * tile) {
    for (int first = base; first < base + tile; first += at_once) {
      if (first + at_once <= part.seen.first || first >= part.seen.end) continue;
      float scores[at_once]{};
      for (int d = lane; d < a.head_dim; d += 32) {
#pragma unroll
        for (int u = 0; u < at_once; ++u) {
          const int key = first + u;
          if (key >= part.seen.first && key < part.seen.end) scores[u] += q[d] * widen(k[key * a.k_stride + d]);
        }
      }
      float above = most;
#pragma unroll
      for (int u = 0; u < at_once; ++u) {
#pragma unroll
        for (int distance = 16; distance > 0; distance /= 2) {
          scores[u] += __shfl_xor_sync(0xffffffff, scores[u], distance);
        }
        const int key = first + u;
        scores[u] = key >= part.seen.first && key < part.seen.end ? scores[u] * a.scale : -INFINITY;
        above = fmaxf(above, scores[u]);
      }
      const float fade = exp2f(most - above);  // one of the keys is seen: `above` is finite
      most = above;
      sum *= fade;
#pragma unroll
      for (int c = 0; c < Columns; ++c) out[c] *= fade;
#pragma unroll
      for (int u = 0; u < at_once; ++u) {
        const int key = first + u;
        if (key < part.seen.first || key >= part.seen.end) continue;
        const float weight = exp2f(scores[u] - most);
        sum += weight;
#pragma unroll
        for (int c = 0; c < Columns; ++c) {
          const int column = lane + 32 * c;
          if (column < a.value_dim) out[c] += weight * widen(v[key * a.v_stride + column]);
        }
      }
    }
  }
  if (lane == 0) of_warps[warp] = {most, sum};
#pragma unroll
  for (int c = 0; c < Columns; ++c) {
    if (lane + 32 * c < a.value_dim) values[warp * a.value_dim + lane + 32 * c] = out[c];
  }
  __syncthreads();
  float all_most = -INFINITY;
  for (int w = 0; w < warps; ++w) all_most = fmaxf(all_most, of_warps[w].x);
  float all_sum = 0;
  float factors[warps];
  for (int w = 0; w < warps; ++w) {
    factors[w] = of_warps[w].x == -INFINITY ? 0.0f : exp2f(of_warps[w].x - all_most);
    all_sum += factors[w] * of_warps[w].y;
  }
  const std::int64_t place = item * a.splits + split;
  if (a.splits > 1 && threadIdx.x == 0) a.statistics[place] = {all_most, all_sum};
  for (int column = threadIdx.x; column < a.value_dim; column += threads) {
    float value = 0;
    for (int w = 0; w < warps; ++w) value += factors[w] * values[w * a.value_dim + column];
    if (a.splits > 1) {
      a.partial[place * a.value_dim + column] = value;
    } else {
      a.o[row * a.o_stride + std::int64_t{head} * a.value_dim + column] =
          narrow<T>(all_sum > 0 ? value / all_sum : 0.0f);
    }
  }
}

template <typename T, int Columns>
Status run(const AttentionArrays<T>& a, cudaStream_t stream) {
  const std::int64_t blocks = std::int64_t{a.batch} * a.queries * a.heads * a.splits;
  if (blocks > 0x7fffffff) return failure(StatusCode::unsupported, "kernel attention: too many rows for one launch");
  const std::size_t bytes = sizeof(float) * static_cast<std::size_t>(a.head_dim + warps * a.value_dim);
  const Following how(dim3(static_cast<unsigned>(blocks)), dim3(threads), stream, Cut::any, bytes);
  return launch_following(how, "attention", plain<T, Columns>, a);
}

}  // namespace

template <typename T>
Status plain_attention(const AttentionArrays<T>& a, cudaStream_t stream) {
  if (a.value_dim <= 128) return run<T, 4>(a, stream);
  if (a.value_dim <= 256) return run<T, 8>(a, stream);
  return run<T, plain_most_values / 32>(a, stream);
}

template Status plain_attention(const AttentionArrays<float>&, cudaStream_t);
template Status plain_attention(const AttentionArrays<__half>&, cudaStream_t);
template Status plain_attention(const AttentionArrays<__nv_bfloat16>&, cudaStream_t);

}  // namespace gemmetry::backends::cuda
