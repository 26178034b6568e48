#pragma once

#include <cstdint>

#include "gemmetry/backends/cuda/pack.h"
#include "gemmetry/backends/cuda/status.h"

// Attention with the keys cut in parts: every part of a query's keys is summed by a block of its own, which leaves the
// sum of the weighted values, the largest score and the sum of the weights; the parts are put together afterwards.

namespace gemmetry::backends::cuda {

/// Parts end at multiples of this many keys.
inline constexpr int part_granule = 64;

template <typename T>
struct AttentionArrays {
  const T* q;
  const T* k;
  const T* v;
  const std::int32_t* lengths;  ///< null: all have `keys`
  const std::int32_t* slots;    ///< null: each sequence has its own
  T* o;
  float* partial;      ///< [query row][head][part][value_dim]
  float2* statistics;  ///< [query row][head][part]: largest score and sum of weights
  std::int64_t q_stride;
  std::int64_t k_stride;
  std::int64_t v_stride;
  std::int64_t o_stride;
  std::int64_t k_sequence;
  std::int64_t v_sequence;
  int batch;
  int queries;
  int keys;
  int heads;
  int kv_heads;
  int head_dim;
  int value_dim;
  int window;
  int splits;
  int part;  ///< keys a part; 0: the keys that are seen are cut evenly
  bool causal;
  float scale;  ///< times log2 e: weights are powers of two
};

/// Keys [first, end).
struct Span {
  int first;
  int end;
};

/// Where a sequence's keys and values lie; negative: nowhere.
template <typename T>
__device__ int slot_of(const AttentionArrays<T>& a, int sequence) {
  return a.slots == nullptr ? sequence : a.slots[sequence];
}

/// Nothing lies nowhere.
template <typename T>
__device__ int length_of(const AttentionArrays<T>& a, int sequence) {
  if (slot_of(a, sequence) < 0) return 0;
  return a.lengths == nullptr ? a.keys : max(0, min(a.lengths[sequence], a.keys));
}

/// What a query of a sequence sees.
template <typename T>
__device__ Span visible(const AttentionArrays<T>& a, int length, int query) {
  const int position = max(length - a.queries + query, 0);
  const int end = a.causal ? min(position + 1, length) : length;
  const int first = a.window > 0 ? max(position - a.window + 1, 0) : 0;
  return {min(first, end), end};
}

struct Part {
  int base;   ///< where its tiles begin, at or before `seen.first`
  Span seen;  ///< empty where nothing of the part is seen
};

/// A part of what some queries together see.
template <typename T>
__device__ Part part_of(const AttentionArrays<T>& a, Span all, int split) {
  int base = split * a.part;
  int size = a.part;
  if (size == 0) {
    const int begin = all.first / part_granule * part_granule;
    const int each = (all.end - begin + a.splits - 1) / a.splits;
    size = (each + part_granule - 1) / part_granule * part_granule;
    base = begin + split * size;
  }
  return {base, {max(all.first, base), min(all.end, base + size)}};
}

/// Puts the parts together.
template <typename T>
Status combine(const AttentionArrays<T>& arrays, cudaStream_t stream);

/// For elements of 16 bits, dimensions that are multiples of 8 up to 256, and arrays that lie on multiples of 16 bytes.
template <typename T>
Status flash_attention(const AttentionArrays<T>& arrays, cudaStream_t stream);

/// For one query a sequence, and otherwise the same, where cluster_takes(); from Hopper on.
template <typename T>
Status cluster_attention(const AttentionArrays<T>& arrays, cudaStream_t stream);

/// Query heads of a head of keys, and the larger of head_dim and value_dim.
inline bool cluster_takes(std::int64_t group, std::int64_t dim) { return group <= 4 || (group <= 8 && dim <= 128); }

/// For everything else: values of at most `plain_most_values` elements, heads of at most `plain_most_head`.
template <typename T>
Status plain_attention(const AttentionArrays<T>& arrays, cudaStream_t stream);

inline constexpr int plain_most_values = 1024;
inline constexpr int plain_most_head = 4096;
inline constexpr int flash_most_dim = 256;

/// Rows of queries and heads from which flash_attention's warps share keys rather than rows: until then each warp has
/// keys of its own, and where the parts are fixed always, so that a query's result does not depend on its neighbours.
inline constexpr int shared_rows = 32;

/// Rows of a block of flash_attention.
inline int flash_rows(std::int64_t rows, bool fixed_parts) { return fixed_parts || rows <= shared_rows ? 16 : 64; }

}  // namespace gemmetry::backends::cuda
