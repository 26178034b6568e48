#include "gemmetry/backends/cuda/following.h"
#include "gemmetry/backends/cuda/kernels.h"
#include "gemmetry/backends/cuda/rows.h"
#include "gemmetry/backends/cuda/stream.h"

// loss = log_sum_exp(logits) - logits[target], one pass: each thread keeps a maximum and the sum of exponentials below
// it. As many blocks as the device holds take equal shares of the matrix, so that they end together; what that leaves
// of rows that go from one block's share to the next is put together by a second kernel. Backward: softmax(logits) -
// onehot from the saved log_sum_exp, a stream.

namespace gemmetry::backends::cuda {
namespace {

using Target = std::int32_t;

inline constexpr int forward_threads = 256;
inline constexpr int forward_blocks = 6;  ///< an SM
inline constexpr int forward_unroll = 4;
inline constexpr int join_threads = 128;
inline constexpr int backward_threads = 256;
inline constexpr int backward_unroll = 4;

/// A pack of what adds nothing to a sum of exponentials.
template <typename T, int N>
__device__ Pack<T, N> nothing() {
  Pack<T, N> pack{};
#pragma unroll
  for (int i = 0; i < N; ++i) pack.set(i, narrow<T>(-INFINITY));
  return pack;
}

/// Of some logits: log(sum of e^x) = most + log(sum).
struct Exponentials {
  float most = -INFINITY;
  float sum = 0;

  /// Every value of the packs.
  template <int Packs, typename T, int N>
  __device__ void add(Pack<T, N> (&packs)[Packs]) {
    float above = most;
#pragma unroll
    for (int p = 0; p < Packs; ++p) {
      above = fmaxf(above, most_of(packs[p]));
      keep_packed(packs[p]);
    }
    const float base = above == -INFINITY ? 0.0f : above * log2_e;  // nothing but -infinity adds nothing
    sum *= exp2_fast(most * log2_e - base);
    most = above;
#pragma unroll
    for (int p = 0; p < Packs; ++p) {
#pragma unroll
      for (int i = 0; i < N; ++i) sum += exp2_fast(widen(packs[p], i) * log2_e - base);
    }
  }

  /// The sum as it is below another maximum; nothing stays nothing.
  __device__ float sum_below(float above) const { return sum == 0 ? 0.0f : sum * exp2_fast((most - above) * log2_e); }
};

template <typename T>
struct CrossEntropyArrays {
  const T* logits;
  const Target* targets;
  float* loss;  ///< may be null
  float* log_sum_exp;
  Exponentials* parts;  ///< of each block: of the row that it goes on with, and of the one that it leaves unfinished
  std::int64_t rows;
  std::int64_t vocab;
  std::int64_t share;  ///< logits a block
};

template <typename T>
__device__ float target_logit(const CrossEntropyArrays<T>& a, std::int64_t row) {
  return a.loss == nullptr ? 0.0f : widen(a.logits[row * a.vocab + a.targets[row]]);
}

template <typename T>
__device__ void finish_row(const CrossEntropyArrays<T>& a, std::int64_t row, const Exponentials& all, float target) {
  const float log_sum_exp = all.most + logf(all.sum);
  a.log_sum_exp[row] = log_sum_exp;
  if (a.loss != nullptr) a.loss[row] = log_sum_exp - target;
}

/// A thread's of the `count` logits that its block takes.
template <typename T>
__device__ Exponentials own_exponentials(const T* logits, std::int64_t count, int shift) {
  // Some elements, packs from where they are aligned, some elements.
  constexpr int n = pack_size<T>;
  constexpr int threads = forward_threads;
  const std::int64_t head = min(std::int64_t{shift == 0 ? 0 : n - shift}, count);
  const std::int64_t packs = (count - head) / n;
  const std::int64_t tail = count - head - packs * n;
  const T* aligned = logits + head;

  Exponentials own;
  std::int64_t at = threadIdx.x;
  for (; at + (forward_unroll - 1) * threads < packs; at += forward_unroll * threads) {
    Pack<T, n> loaded[forward_unroll];
#pragma unroll
    for (int u = 0; u < forward_unroll; ++u) loaded[u] = load<n>(aligned + (at + u * threads) * n);
    own.add(loaded);
  }
  if (at < packs) {
    Pack<T, n> loaded[forward_unroll];
#pragma unroll
    for (int u = 0; u < forward_unroll; ++u) {
      loaded[u] = at + u * threads < packs ? load<n>(aligned + (at + u * threads) * n) : nothing<T, n>();
    }
    own.add(loaded);
  }
  if (threadIdx.x < head + tail) {
    const std::int64_t column = threadIdx.x < head ? threadIdx.x : threadIdx.x + packs * n;
    Pack<T, 1> loaded[1] = {load<1>(logits + column)};
    own.add(loaded);
  }
  return own;
}

/// A block a share of the logits, row by row.
template <typename T>
__global__ void __launch_bounds__(forward_threads, forward_blocks) cross_entropy_forward(CrossEntropyArrays<T> a) {
  __shared__ RowReduction<1>::Scratch scratch;
  RowReduction<1> reduction(scratch);
  std::int64_t at = blockIdx.x * a.share;
  const std::int64_t end = min(at + a.share, a.rows * a.vocab);
  let_next_begin();
  for (std::int64_t row = at / a.vocab; at < end; ++row) {
    const std::int64_t row_begin = row * a.vocab;
    const std::int64_t stop = min(row_begin + a.vocab, end);
    const bool whole = stop - at == a.vocab;
    const float target = whole && threadIdx.x == 0 ? target_logit(a, row) : 0.0f;
    const Exponentials own =
        own_exponentials(a.logits + at, stop - at, static_cast<int>(at % std::int64_t{pack_size<T>}));
    Exponentials all;
    all.most = reduce_row<Max>(reduction, own.most);
    all.sum = reduce_row<Sum>(reduction, own.sum_below(all.most));
    if (threadIdx.x == 0) {
      if (whole) {
        finish_row(a, row, all, target);
      } else {
        a.parts[2 * std::int64_t{blockIdx.x} + (at == row_begin ? 1 : 0)] = all;
      }
    }
    at = stop;
  }
}

/// A warp the row that its block of cross_entropy_forward() begins and leaves unfinished, if there is one.
template <typename T>
__global__ void __launch_bounds__(join_threads) cross_entropy_join(CrossEntropyArrays<T> a) {
  const std::int64_t block = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  const std::int64_t next = (block + 1) * a.share;
  const std::int64_t row = next / a.vocab;
  const std::int64_t row_begin = row * a.vocab;
  const bool cut = next < a.rows * a.vocab && row_begin < next && row_begin >= block * a.share;
  const float target = cut && threadIdx.x == 0 ? target_logit(a, row) : 0.0f;
  wait_for_previous();
  if (!cut) return;

  // The part of this block, then those of the blocks that go on with the row.
  const std::int64_t more = (row_begin + a.vocab - 1) / a.share - block;
  const Exponentials* parts = a.parts + 2 * block;
  const auto part = [&](std::int64_t i) { return parts[i == 0 ? 1 : 2 * i]; };
  float most[1] = {-INFINITY};
  for (std::int64_t i = threadIdx.x; i <= more; i += 32) most[0] = fmaxf(most[0], part(i).most);
  RowReduction<1>::run_in_warp<Max>(most);
  float sum[1] = {0};
  for (std::int64_t i = threadIdx.x; i <= more; i += 32) sum[0] += part(i).sum_below(most[0]);
  RowReduction<1>::run_in_warp<Sum>(sum);
  if (threadIdx.x == 0) finish_row(a, row, Exponentials{most[0], sum[0]}, target);
}

template <typename T>
struct CrossEntropyGradients {
  const T* logits;
  const Target* targets;
  const float* log_sum_exp;
  T* gradient;
  std::int64_t vocab;
  Divisor by_chunks;
};

/// A block a chunk of a row.
template <typename T>
__global__ void __launch_bounds__(backward_threads) cross_entropy_backward(CrossEntropyGradients<T> a) {
  constexpr int n = pack_size<T>;
  const std::int64_t row = a.by_chunks.quotient(blockIdx.x);
  const int chunk = static_cast<int>(a.by_chunks.remainder(blockIdx.x));
  const int vocab = static_cast<int>(a.vocab);
  const T* logits = a.logits + row * a.vocab;
  T* gradient = a.gradient + row * a.vocab;
  const int first =
      (chunk * backward_unroll * backward_threads + static_cast<int>(threadIdx.x)) * n - row_shift<T>(row, a.vocab);

  Pack<T, n> loaded[backward_unroll];
#pragma unroll
  for (int u = 0; u < backward_unroll; ++u) loaded[u] = load_slot(logits, first + u * backward_threads * n, vocab);
  const int target = a.targets[row];
  const float log_sum_exp = a.log_sum_exp[row];
#pragma unroll
  for (int u = 0; u < backward_unroll; ++u) {
    const int column = first + u * backward_threads * n;
    Pack<float, n> values = widen(loaded[u]);
#pragma unroll
    for (int i = 0; i < n; ++i) {
      values[i] = exp2_fast((values[i] - log_sum_exp) * log2_e) - (column + i == target ? 1.0f : 0.0f);
    }
    store_slot(gradient, narrow<T>(values), column, vocab);
  }
}

/// How the logits are dealt out to blocks.
struct Shares {
  std::int64_t logits = 0;  ///< of a block
  std::int64_t blocks = 0;
  bool cut = false;  ///< some rows go from one block to the next
};

std::int64_t quotient_up(std::int64_t of, std::int64_t by) { return (of + by - 1) / by; }

/// `may_cut`: there is a workspace for parts of rows. Where each block has many rows, a row more or less is little.
Shares shares_of(const op::CrossEntropy& c, int sms, bool may_cut) {
  constexpr std::int64_t many = 32;
  const std::int64_t most_blocks = std::int64_t{sms} * forward_blocks;
  Shares shares;
  if (may_cut && c.rows < many * most_blocks) {
    const std::int64_t pack = 16 / static_cast<std::int64_t>(shape::bytes_per_element(c.dtype));
    const std::int64_t line = 8 * pack;  // 128 bytes
    const std::int64_t logits = std::max(quotient_up(c.rows * c.vocab, most_blocks), forward_threads * pack);
    shares.logits = quotient_up(logits, line) * line;
  } else {
    shares.logits = quotient_up(c.rows, most_blocks) * c.vocab;
  }
  shares.blocks = quotient_up(c.rows * c.vocab, shares.logits);
  shares.cut = shares.blocks > 1 && shares.logits % c.vocab != 0;
  return shares;
}

template <typename T>
Status run_forward(const op::CrossEntropy& c, float* loss, float* log_sum_exp, const Shares& shares, const Launch& on) {
  const CrossEntropyArrays<T> arrays{on.array<const T>(0),
                                     on.array<const Target>(1),
                                     loss,
                                     log_sum_exp,
                                     shares.cut ? static_cast<Exponentials*>(on.workspace) : nullptr,
                                     c.rows,
                                     c.vocab,
                                     shares.logits};
  const unsigned blocks = static_cast<unsigned>(shares.blocks);
  cross_entropy_forward<T><<<blocks, forward_threads, 0, on.stream>>>(arrays);
  const Status status = check(cudaGetLastError(), "cross-entropy");
  if (!status.ok() || !shares.cut) return status;
  constexpr unsigned warps = join_threads / 32;
  const Following following((blocks + warps - 1) / warps, dim3(32, warps), on.stream);
  return check(cudaLaunchKernelEx(following.config(), cross_entropy_join<T>, arrays), "cross-entropy, parts");
}

template <typename T>
Status run_backward(const op::CrossEntropy& c, const Launch& on) {
  constexpr int n = pack_size<T>;
  constexpr std::int64_t chunk = backward_threads * backward_unroll;
  if (c.vocab > 0x7fffffff - 2 * chunk * n)
    return failure(StatusCode::unsupported, "cross-entropy: a vocabulary of %lld is too large",
                   static_cast<long long>(c.vocab));
  const std::int64_t chunks = (row_slots(c.vocab, n) + chunk - 1) / chunk;
  if (c.rows * chunks > 0x7fffffff)
    return failure(StatusCode::unsupported, "cross-entropy: too many logits for one launch");
  const CrossEntropyGradients<T> arrays{
      on.array<const T>(0), on.array<const Target>(1), on.array<const float>(2), on.array<T>(3), c.vocab,
      Divisor(chunks)};
  cross_entropy_backward<T><<<static_cast<unsigned>(c.rows * chunks), backward_threads, 0, on.stream>>>(arrays);
  return check(cudaGetLastError(), "cross-entropy backward");
}

}  // namespace

Status launch(const op::CrossEntropy& c, const Launch& on) noexcept {
  if (c.rows <= 0 || c.vocab <= 0) return {};
  Status status;
  with_type(c.dtype, [&](auto zero) {
    using T = decltype(zero);
    status = c.backward ? run_backward<T>(c, on)
                        : run_forward<T>(c, on.array<float>(2), on.array<float>(3), shares_of(c, on.sms, true), on);
  });
  return status;
}

Status launch_forward_operands(const op::CrossEntropy& c, const Launch& on) noexcept {
  if (c.rows <= 0 || c.vocab <= 0 || !c.backward) return {};
  Status status;
  with_type(c.dtype, [&](auto zero) {
    status = run_forward<decltype(zero)>(c, nullptr, on.array<float>(2), shares_of(c, on.sms, false), on);
  });
  return status;
}

std::int64_t workspace_bytes(const op::CrossEntropy& c, int sms) noexcept {
  if (c.backward || c.rows <= 0 || c.vocab <= 0) return 0;
  const Shares shares = shares_of(c, sms, true);
  return shares.cut ? shares.blocks * 2 * static_cast<std::int64_t>(sizeof(Exponentials)) : 0;
}

}  // namespace gemmetry::backends::cuda
