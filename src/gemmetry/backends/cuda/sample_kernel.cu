#include "gemmetry/backends/cuda/cluster.h"
#include "gemmetry/backends/cuda/items.h"
#include "gemmetry/backends/cuda/kernel_launches.h"
#include "gemmetry/measure/gumbel_noise.h"

// The next token of each row, a block a row, of few rows a cluster of blocks; and what follows it for the step after.

namespace gemmetry::backends::cuda {
namespace {

inline constexpr int sample_threads = 1024;

/// A token and how it stands; of equals the first is the better.
struct Candidate {
  float value;
  int token;

  __device__ void meet(const Candidate& other) {
    if (other.value > value || (other.value == value && other.token < token)) *this = other;
  }
  __device__ void meet_in_warp() {
#pragma unroll
    for (int distance = 16; distance > 0; distance /= 2) {
      meet({__shfl_xor_sync(0xffffffff, value, distance), __shfl_xor_sync(0xffffffff, token, distance)});
    }
  }
};

/// `blocks` a row, each a cluster.
template <typename T, int N>
__global__ void __launch_bounds__(sample_threads)
    sample(const T* logits, const measure::SampleParameters* parameters, std::int32_t* tokens, int vocab,
           std::int64_t stride, unsigned blocks) {
  let_next_begin();
  wait_for_previous();
  constexpr int none = 0x7fffffff;
  __shared__ Candidate warps[sample_threads / 32];
  __shared__ Candidate of_block;
  const unsigned rank = blocks > 1 ? rank_in_cluster() : 0;
  const int index = static_cast<int>(rank) * sample_threads + static_cast<int>(threadIdx.x);
  const int threads = static_cast<int>(blocks) * sample_threads;
  const unsigned row_index = blockIdx.x / blocks;
  const measure::SampleParameters p = parameters[row_index];
  const T* row = logits + row_index * stride;
  Candidate best{-INFINITY, none};
  const auto meet = [&](float value, int token) {
    // Single operations, as the host's: no fused ones.
    if (p.temperature > 0)
      value = __fadd_rn(__fdiv_rn(value, p.temperature), measure::gumbel_noise(p.seed, p.position, token));
    best.meet({value, token});
  };
  const int whole = vocab / N * N;
#pragma unroll 4
  for (int token = index * N; token < whole; token += threads * N) {
    const Pack<T, N> pack = load<N>(row + token);
#pragma unroll
    for (int i = 0; i < N; ++i) meet(widen(pack, i), token + i);
  }
  if (whole + index < vocab) meet(widen(row[whole + index]), whole + index);
  best.meet_in_warp();
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = best;
  __syncthreads();
  if (threadIdx.x < 32) {
    best = warps[threadIdx.x];
    best.meet_in_warp();
    if (threadIdx.x == 0) of_block = best;
  }
  if (blocks > 1) {
    wait_for_cluster();
    if (index == 0) {
      for (unsigned other = 1; other < blocks; ++other)
        best.meet({load_from(&of_block.value, other), load_from(&of_block.token, other)});
    }
    wait_for_cluster();  // nobody goes while its shared memory is read
  }
  if (index == 0) tokens[row_index] = best.token == none ? 0 : best.token;
}

template <typename T, int N>
Status run(const measure::SampleKernel& kernel, const Launch& on) {
  const bool apart = has_clusters() && kernel.rows * most_in_cluster <= on.sms;
  const unsigned blocks = apart ? most_in_cluster : 1;
  const Following how(dim3(static_cast<unsigned>(kernel.rows) * blocks), dim3(sample_threads), on.stream, Cut::same, 0,
                      blocks);
  return launch_following(how, "sample", sample<T, N>, on.array<const T>(0),
                          on.array<const measure::SampleParameters>(1), on.array<std::int32_t>(2),
                          static_cast<int>(kernel.vocab), kernel.stride, blocks);
}

struct AdvanceBody {
  std::int32_t* positions;
  std::int32_t* lengths;
  measure::SampleParameters* parameters;

  __device__ void operator()(std::int64_t row) const {
    ++positions[row];
    ++lengths[row];
    ++parameters[row].position;
  }
};

}  // namespace

Status launch(const measure::SampleKernel& kernel, const Launch& on) noexcept {
  if (kernel.rows <= 0) return {};
  if (kernel.rows > 0x7fffffff || kernel.vocab > (1 << 30))
    return failure(StatusCode::unsupported, "kernel sample: %lld rows of %lld logits are too many for one launch",
                   static_cast<long long>(kernel.rows), static_cast<long long>(kernel.vocab));
  Status status;
  with_type(kernel.element, [&](auto zero) {
    using T = decltype(zero);
    const bool whole = whole_packs<T>({kernel.stride}) && begin_aligned({on.operands[0]});
    status = whole ? run<T, pack_size<T>>(kernel, on) : run<T, 1>(kernel, on);
  });
  return status;
}

Status launch(const measure::AdvanceKernel& kernel, const Launch& on) noexcept {
  const AdvanceBody body{on.array<std::int32_t>(1), on.array<std::int32_t>(2), on.array<measure::SampleParameters>(3)};
  return each_item(body, kernel.rows, on.stream, "advance");
}

}  // namespace gemmetry::backends::cuda
