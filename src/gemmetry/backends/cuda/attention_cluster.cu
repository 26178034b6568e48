#include <algorithm>

#include "gemmetry/backends/cuda/attention_parts.h"
#include "gemmetry/backends/cuda/cluster.h"
#include "gemmetry/backends/cuda/following.h"

// Attention of one query a sequence over a cache that is short, where latency counts and not the memory's pace: a
// cluster of blocks serves the query heads of one head of keys. Each warp takes a few keys at a time, and their values,
// straight into registers, `Lanes` lanes a key; what the warps have is put together in shared memory, and what the
// blocks have in each other's, so that no second kernel follows.

namespace gemmetry::backends::cuda {
namespace {

inline constexpr int warps = 8;
inline constexpr int threads = warps * 32;

/// `Lanes` of 8 elements each for a key; `Group`: query heads of a head of keys, rounded up.
template <int Lanes, int Group>
struct Shape {
  static constexpr int dim = 8 * Lanes;
  static constexpr int teams = 32 / Lanes;  ///< of lanes, each with keys of its own
  static constexpr int unroll = Group > 4 || (Group > 2 && Lanes == 8) ? 4 : 8;
  static constexpr int step = teams * unroll;  ///< keys of a warp at a time
};

/// 2^(part - most); 0 where the part saw nothing.
__device__ inline float fade(float part, float most) { return part == -INFINITY ? 0 : exp2_fast(part - most); }

/// What a lane has of its team's keys: its columns of the weighted values of each query head, the largest score and the
/// sum of the weights.
template <int Group>
struct Sums {
  float most[Group];
  float weights[Group];
  float out[Group][8];

  __device__ Sums() {
#pragma unroll
    for (int g = 0; g < Group; ++g) {
      most[g] = -INFINITY;
      weights[g] = 0;
#pragma unroll
      for (int e = 0; e < 8; ++e) out[g][e] = 0;
    }
  }

  /// Moves the centre up to `now`.
  __device__ void rise(int g, float now) {
    const float factor = fade(most[g], now);
    most[g] = now;
    weights[g] *= factor;
#pragma unroll
    for (int e = 0; e < 8; ++e) out[g][e] *= factor;
  }
};

template <typename T, int Lanes, int Group>
class Warp {
  using S = Shape<Lanes, Group>;

 public:
  __device__ Warp(const AttentionArrays<T>& a, int sequence, int kv_head, int slot)
      : a_(a),
        lane_(static_cast<int>(threadIdx.x) % 32),
        column_(lane_ % Lanes * 8),
        group_(a.heads / a.kv_heads),
        k_(a.k + slot * a.k_sequence + std::int64_t{kv_head} * a.head_dim + column_),
        v_(a.v + slot * a.v_sequence + std::int64_t{kv_head} * a.value_dim + column_) {
#pragma unroll
    for (int g = 0; g < Group; ++g) {
      Pack<T, 8> pack{};
      const bool has = g < group_ && column_ < a.head_dim;
      if (has) pack = load<8>(a.q + sequence * a.q_stride + std::int64_t{kv_head * group_ + g} * a.head_dim + column_);
      q_[g] = widen(pack);
#pragma unroll
      for (int e = 0; e < 8; ++e) q_[g][e] *= a.scale;
    }
  }

  /// Of every `among`th step of the keys that are seen.
  __device__ void add(Span seen, int first, int among) {
    for (int at = seen.first + first * S::step; at < seen.end; at += among * S::step)
      add_step(at + lane_ / Lanes, seen.end);
  }

  /// Every lane gets what all teams have of its columns.
  __device__ void join_teams() {
#pragma unroll
    for (int distance = Lanes; distance < 32; distance *= 2) {
#pragma unroll
      for (int g = 0; g < Group; ++g) {
        const float other = __shfl_xor_sync(0xffffffff, sums_.most[g], distance);
        sums_.rise(g, fmaxf(sums_.most[g], other));
        sums_.weights[g] += __shfl_xor_sync(0xffffffff, sums_.weights[g], distance);
#pragma unroll
        for (int e = 0; e < 8; ++e) sums_.out[g][e] += __shfl_xor_sync(0xffffffff, sums_.out[g][e], distance);
      }
    }
  }

  __device__ const Sums<Group>& sums() const { return sums_; }
  __device__ int lane() const { return lane_; }
  __device__ int column() const { return column_; }

 private:
  /// Keys first, first + teams, ..., this lane's columns of them.
  __device__ void add_step(int first, int end) {
    Pack<T, 8> keys[S::unroll]{};
    Pack<T, 8> values[S::unroll]{};
#pragma unroll
    for (int u = 0; u < S::unroll; ++u) {
      const int key = first + u * S::teams;
      if (key < end && column_ < a_.head_dim) keys[u] = load<8>(k_ + key * a_.k_stride);
    }
#pragma unroll
    for (int u = 0; u < S::unroll; ++u) {
      const int key = first + u * S::teams;
      if (key < end && column_ < a_.value_dim) values[u] = load<8>(v_ + key * a_.v_stride);
    }
    float scores[S::unroll][Group];
#pragma unroll
    for (int u = 0; u < S::unroll; ++u) {
      const Pack<float, 8> key = widen(keys[u]);
#pragma unroll
      for (int g = 0; g < Group; ++g) {
        scores[u][g] = 0;
#pragma unroll
        for (int e = 0; e < 8; ++e) scores[u][g] += q_[g][e] * key[e];
      }
    }
#pragma unroll
    for (int distance = Lanes / 2; distance > 0; distance /= 2) {
#pragma unroll
      for (int u = 0; u < S::unroll; ++u) {
#pragma unroll
        for (int g = 0; g < Group; ++g) scores[u][g] += __shfl_xor_sync(0xffffffff, scores[u][g], distance);
      }
    }
#pragma unroll
    for (int g = 0; g < Group; ++g) {
      float most = sums_.most[g];
#pragma unroll
      for (int u = 0; u < S::unroll; ++u) {
        if (first + u * S::teams >= end) scores[u][g] = -INFINITY;
        most = fmaxf(most, scores[u][g]);
      }
      sums_.rise(g, most);
    }
#pragma unroll
    for (int u = 0; u < S::unroll; ++u) {
      const Pack<float, 8> value = widen(values[u]);
#pragma unroll
      for (int g = 0; g < Group; ++g) {
        const float weight = fade(scores[u][g], sums_.most[g]);
        sums_.weights[g] += weight;
#pragma unroll
        for (int e = 0; e < 8; ++e) sums_.out[g][e] += weight * value[e];
      }
    }
  }

  const AttentionArrays<T>& a_;
  int lane_;
  int column_;
  int group_;
  const T* k_;
  const T* v_;
  Pack<float, 8> q_[Group];
  Sums<Group> sums_;
};

/// Blocks one behind the other: those of a cluster, heads of keys, sequences.
template <typename T, int Lanes, int Group>
__global__ void __launch_bounds__(threads) attend(const __grid_constant__ AttentionArrays<T> a) {
  using S = Shape<Lanes, Group>;
  __shared__ alignas(16) float of_warps[warps][Group][S::dim];
  __shared__ float most_of_warps[warps][Group];
  __shared__ float weights_of_warps[warps][Group];
  __shared__ float of_block[Group][S::dim];
  __shared__ float most_of_block[Group];
  __shared__ float weights_of_block[Group];
  let_next_begin();
  wait_for_previous();

  const unsigned blocks = static_cast<unsigned>(a.splits);
  const unsigned rank = blocks > 1 ? rank_in_cluster() : 0;
  const int item = static_cast<int>(blockIdx.x / blocks);
  const int sequence = item / a.kv_heads;
  const int kv_head = item % a.kv_heads;
  const int group = a.heads / a.kv_heads;
  const int warp_index = static_cast<int>(threadIdx.x) / 32;
  const int slot = slot_of(a, sequence);
  const int length = a.lengths == nullptr ? a.keys : a.lengths[sequence];  // asked for together with the slot
  Warp<T, Lanes, Group> warp(a, sequence, kv_head, slot);
  const Span seen = visible(a, slot < 0 ? 0 : max(0, min(length, a.keys)), 0);
  warp.add(seen, static_cast<int>(rank) * warps + warp_index, static_cast<int>(blocks) * warps);
  warp.join_teams();
  if (warp.lane() < Lanes) {
#pragma unroll
    for (int g = 0; g < Group; ++g) {
#pragma unroll
      for (int e = 0; e < 8; e += 4) {
        const float* out = warp.sums().out[g] + e;
        *reinterpret_cast<float4*>(&of_warps[warp_index][g][warp.column() + e]) = {out[0], out[1], out[2], out[3]};
      }
      if (warp.lane() == 0) {
        most_of_warps[warp_index][g] = warp.sums().most[g];
        weights_of_warps[warp_index][g] = warp.sums().weights[g];
      }
    }
  }
  __syncthreads();

  const auto leave = [&](int g, int column, float sum, float weights) {
    if (g < group && column < a.value_dim) {
      a.o[sequence * a.o_stride + std::int64_t{kv_head * group + g} * a.value_dim + column] =
          narrow<T>(weights == 0 ? 0 : sum / weights);  // nothing was seen; NaN stays
    }
  };
  for (int i = threadIdx.x; i < Group * S::dim; i += threads) {
    const int g = i / S::dim;
    const int column = i % S::dim;
    float most = -INFINITY;
#pragma unroll
    for (int w = 0; w < warps; ++w) most = fmaxf(most, most_of_warps[w][g]);
    float sum = 0;
    float weights = 0;
#pragma unroll
    for (int w = 0; w < warps; ++w) {
      const float factor = fade(most_of_warps[w][g], most);
      sum += factor * of_warps[w][g][column];
      weights += factor * weights_of_warps[w][g];
    }
    if (blocks == 1) {
      leave(g, column, sum, weights);
    } else {
      of_block[g][column] = sum;
      if (column == 0) {
        most_of_block[g] = most;
        weights_of_block[g] = weights;
      }
    }
  }
  if (blocks == 1) return;

  wait_for_cluster();
  for (int i = static_cast<int>(rank) * threads + threadIdx.x; i < Group * S::dim;
       i += static_cast<int>(blocks) * threads) {
    const int g = i / S::dim;
    const int column = i % S::dim;
    float mosts[most_in_cluster];
    float most = -INFINITY;
#pragma unroll
    for (unsigned r = 0; r < most_in_cluster; ++r) {
      mosts[r] = r < blocks ? load_from(&most_of_block[g], r) : -INFINITY;
      most = fmaxf(most, mosts[r]);
    }
    float sum = 0;
    float weights = 0;
#pragma unroll
    for (unsigned r = 0; r < most_in_cluster; ++r) {
      if (r >= blocks) continue;
      const float factor = fade(mosts[r], most);
      sum += factor * load_from(&of_block[g][column], r);
      weights += factor * load_from(&weights_of_block[g], r);
    }
    leave(g, column, sum, weights);
  }
  wait_for_cluster();  // nobody goes while its shared memory is read
}

template <typename T, int Lanes, int Group>
Status run(AttentionArrays<T> a, cudaStream_t stream) {
  const std::int64_t per_block = std::int64_t{warps} * Shape<Lanes, Group>::step;
  const std::int64_t seen = a.window > 0 ? std::min(a.keys, a.window) : a.keys;
  a.splits = static_cast<int>(std::clamp<std::int64_t>((seen + per_block - 1) / per_block, 1, most_in_cluster));
  const std::int64_t blocks = std::int64_t{a.batch} * a.kv_heads * a.splits;
  const Following how(dim3(static_cast<unsigned>(blocks)), dim3(threads), stream, Cut::same, 0,
                      static_cast<unsigned>(a.splits));
  return launch_following(how, "attention", attend<T, Lanes, Group>, a);
}

template <typename T, int Lanes>
Status run(const AttentionArrays<T>& a, cudaStream_t stream) {
  const int group = a.heads / a.kv_heads;
  if (group == 1) return run<T, Lanes, 1>(a, stream);
  if (group == 2) return run<T, Lanes, 2>(a, stream);
  if constexpr (Lanes < 32) {  // else there is no room for what eight heads leave
    if (group > 4) return run<T, Lanes, 8>(a, stream);
  }
  return run<T, Lanes, 4>(a, stream);
}

}  // namespace

template <typename T>
Status cluster_attention(const AttentionArrays<T>& a, cudaStream_t stream) {
  const int widest = std::max(a.head_dim, a.value_dim);
  if (widest <= 64) return run<T, 8>(a, stream);
  return widest <= 128 ? run<T, 16>(a, stream) : run<T, 32>(a, stream);
}

template Status cluster_attention(const AttentionArrays<__half>&, cudaStream_t);
template Status cluster_attention(const AttentionArrays<__nv_bfloat16>&, cudaStream_t);

}  // namespace gemmetry::backends::cuda
