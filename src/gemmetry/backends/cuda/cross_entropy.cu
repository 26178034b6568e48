#include "gemmetry/backends/cuda/following.h"
#include "gemmetry/backends/cuda/kernels.h"
#include "gemmetry/backends/cuda/rows.h"
#include "gemmetry/backends/cuda/stream.h"

// loss = log_sum_exp(logits) - logits[target], one pass: each thread keeps a maximum and the sum of exponentials below
// it. Rows that are fewer than the SMs are cut in parts, which a second kernel puts together. Backward: softmax(logits)
// - onehot from the saved log_sum_exp, a stream.

namespace gemmetry::backends::cuda {
namespace {

using Target = std::int32_t;

inline constexpr int forward_threads = 512;
inline constexpr int forward_unroll = 4;
inline constexpr int backward_threads = 256;
inline constexpr int backward_unroll = 4;

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
  Exponentials* parts;  ///< of each row, `count` of them; null where a row is one part
  std::int64_t rows;
  std::int64_t vocab;
  int count;
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

/// A block a part of a row. Few registers, so that many rows are under way at once: they then end at once, too.
template <typename T>
__global__ void __launch_bounds__(forward_threads, 3) cross_entropy_forward(CrossEntropyArrays<T> a) {
  constexpr int n = pack_size<T>;
  __shared__ RowReduction<1>::Scratch scratch;
  RowReduction<1> reduction(scratch);
  const std::int64_t row = blockIdx.x / static_cast<unsigned>(a.count);
  const int part = static_cast<int>(blockIdx.x % static_cast<unsigned>(a.count));
  const T* logits = a.logits + row * a.vocab;

  // Some elements, packs from where they are aligned, some elements.
  const std::int64_t shift = row_shift<T>(row, a.vocab) % n;
  const std::int64_t before = shift == 0 ? 0 : n - shift;
  const std::int64_t head = before < a.vocab ? before : a.vocab;
  const std::int64_t packs = (a.vocab - head) / n;
  const std::int64_t tail = a.vocab - head - packs * n;
  const std::int64_t begin = packs * part / a.count;
  const std::int64_t end = packs * (part + 1) / a.count;
  const T* aligned = logits + head;

  const float target = a.parts == nullptr && threadIdx.x == 0 ? target_logit(a, row) : 0.0f;
  Exponentials own;
  const int threads = static_cast<int>(blockDim.x);
  std::int64_t at = begin + threadIdx.x;
  for (; at + (forward_unroll - 1) * threads < end; at += forward_unroll * threads) {
    Pack<T, n> loaded[forward_unroll];
#pragma unroll
    for (int u = 0; u < forward_unroll; ++u) loaded[u] = load<n>(aligned + (at + u * threads) * n);
    own.add(loaded);
  }
  for (; at < end; at += threads) {
    Pack<T, n> loaded[1] = {load<n>(aligned + at * n)};
    own.add(loaded);
  }
  if (part == 0 && threadIdx.x < head + tail) {
    const std::int64_t column = threadIdx.x < head ? threadIdx.x : threadIdx.x + packs * n;
    Pack<T, 1> loaded[1] = {load<1>(logits + column)};
    own.add(loaded);
  }

  let_next_begin();
  Exponentials all;
  all.most = reduce_row<Max>(reduction, own.most);
  all.sum = reduce_row<Sum>(reduction, own.sum_below(all.most));
  if (threadIdx.x != 0) return;
  if (a.parts == nullptr) {
    finish_row(a, row, all, target);
  } else {
    a.parts[blockIdx.x] = all;
  }
}

/// A thread a row.
template <typename T>
__global__ void cross_entropy_join(CrossEntropyArrays<T> a) {
  const std::int64_t row = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (row >= a.rows) return;
  const Exponentials* parts = a.parts + row * a.count;
  const float target = target_logit(a, row);
  wait_for_previous();
  Exponentials all;
  for (int i = 0; i < a.count; ++i) all.most = fmaxf(all.most, parts[i].most);
  for (int i = 0; i < a.count; ++i) all.sum += parts[i].sum_below(all.most);
  finish_row(a, row, all, target);
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

/// Parts that a row is cut in, so that few rows keep all SMs busy; each keeps its threads busy too.
int parts_of(const op::CrossEntropy& c, int sms) {
  if (c.rows >= sms) return 1;
  const std::int64_t pack = 16 / static_cast<std::int64_t>(shape::bytes_per_element(c.dtype));
  const std::int64_t filled = c.vocab / (pack * forward_threads * forward_unroll);
  const std::int64_t parts = std::clamp<std::int64_t>(4 * sms / c.rows, 1, std::max<std::int64_t>(filled, 1));
  return static_cast<int>(parts);
}

template <typename T>
Status run_forward(const op::CrossEntropy& c, float* loss, float* log_sum_exp, int parts, const Launch& on) {
  const CrossEntropyArrays<T> arrays{on.array<const T>(0),
                                     on.array<const Target>(1),
                                     loss,
                                     log_sum_exp,
                                     parts > 1 ? static_cast<Exponentials*>(on.workspace) : nullptr,
                                     c.rows,
                                     c.vocab,
                                     parts};
  const std::int64_t blocks = c.rows * parts;
  if (blocks > 0x7fffffff) return failure(StatusCode::unsupported, "cross-entropy: too many rows for one launch");
  const int threads = c.rows >= 4 * on.sms ? forward_threads / 2 : forward_threads;
  cross_entropy_forward<T><<<static_cast<unsigned>(blocks), threads, 0, on.stream>>>(arrays);
  const Status status = check(cudaGetLastError(), "cross-entropy");
  if (!status.ok() || parts == 1) return status;
  constexpr int join_threads = 64;
  const unsigned join_blocks = static_cast<unsigned>((c.rows + join_threads - 1) / join_threads);
  const Following following(join_blocks, join_threads, on.stream);
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
                        : run_forward<T>(c, on.array<float>(2), on.array<float>(3), parts_of(c, on.sms), on);
  });
  return status;
}

Status launch_forward_operands(const op::CrossEntropy& c, const Launch& on) noexcept {
  if (c.rows <= 0 || c.vocab <= 0 || !c.backward) return {};
  Status status;
  with_type(c.dtype, [&](auto zero) { status = run_forward<decltype(zero)>(c, nullptr, on.array<float>(2), 1, on); });
  return status;
}

std::int64_t workspace_bytes(const op::CrossEntropy& c, int sms) noexcept {
  if (c.backward || c.rows <= 0 || c.vocab <= 0) return 0;
  const int parts = parts_of(c, sms);
  return parts == 1 ? 0 : c.rows * parts * static_cast<std::int64_t>(sizeof(Exponentials));
}

}  // namespace gemmetry::backends::cuda
