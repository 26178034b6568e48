#include <algorithm>

#include "gemmetry/backends/cuda/attention_parts.h"
#include "gemmetry/backends/cuda/following.h"
#include "gemmetry/backends/cuda/tensor_core.h"

// Attention by tensor cores. A block serves the query heads of one head of keys, so that keys are read once: its rows
// are queries times those heads, 16 a warp. With few rows the memory's pace is all that counts: each warp has its own
// tiles of keys and its own ring of copies under way, and none waits for another before the end. With many rows the
// warps have rows of their own and share the tiles.
//
// With fixed parts, one of them or several, a row's bits do not hang on its neighbours. Blocks then always have 16
// rows; a tile is the same keys for every row, as parts begin at multiples of their size and tiles are counted from
// there, and it is the same warp's whatever the block sees of the part. Tiles that only neighbours see change nothing
// of a row: its scores are -infinity, so its largest stays, what it has is multiplied by 2^0, and weights of 0 are
// added. That a row stands elsewhere in a 16-row tile changes neither the order nor the operations of its sums.
// (Weights of 0 are multiplied with values that neighbours see: these must be finite.)

namespace gemmetry::backends::cuda {
namespace {

inline constexpr int warps = 4;
inline constexpr int threads = warps * 32;

/// `D`: dimension of heads and values, rounded up. `RowWarps`: warps with rows of their own; the others' are the same.
template <int D, int RowWarps>
struct Shape {
  static constexpr int teams = warps / RowWarps;  ///< of warps that share tiles
  static constexpr int team_threads = 32 * RowWarps;
  static constexpr int rows = 16 * RowWarps;
  static constexpr int tile = RowWarps == 1 ? 16 : D > 128 ? 32 : 64;
  static constexpr int stages = RowWarps > 1 || D > 128 ? 2 : D > 64 ? 3 : 4;
  static constexpr int pitch = D + 8;             ///< of a row in shared memory: eight rows lie in different banks
  static constexpr int stage = 2 * tile * pitch;  ///< keys, then values
  static constexpr int bytes = 2 * (rows * pitch + teams * stages * stage);
  static_assert(teams * stages * stage * 2 >= warps * 16 * pitch * 4, "the results take the place of the rings");
};

/// The rows of a block, and what lies where.
template <typename T>
struct Rows {
  const AttentionArrays<T>& a;
  int sequence;
  int kv_head;
  int group;  ///< query heads of the head of keys
  int first;  ///< of all rows of this sequence and head of keys
  int count;  ///< of all of them

  __device__ bool has(int row) const { return first + row < count; }
  __device__ int query(int row) const { return (first + row) / group; }
  __device__ int head(int row) const { return kv_head * group + (first + row) % group; }
  __device__ std::int64_t query_row(int row) const { return std::int64_t{sequence} * a.queries + query(row); }
};

template <typename T, int D, int RowWarps>
class Block {
  using S = Shape<D, RowWarps>;

 public:
  __device__ Block(const AttentionArrays<T>& a, const Rows<T>& rows, const Part& part, T* shared)
      : a_(a),
        rows_(rows),
        part_(part),
        q_(shared),
        rings_(shared + S::rows * S::pitch),
        warp_(static_cast<int>(threadIdx.x) / 32),
        lane_(static_cast<int>(threadIdx.x) % 32),
        team_(warp_ / RowWarps),
        member_(static_cast<int>(threadIdx.x) % S::team_threads),
        k_(a.k + slot_of(a, rows.sequence) * a.k_sequence + std::int64_t{rows.kv_head} * a.head_dim),
        v_(a.v + slot_of(a, rows.sequence) * a.v_sequence + std::int64_t{rows.kv_head} * a.value_dim) {}

  __device__ void run() {
    load_queries();
    clear_beyond_heads();
    __syncthreads();
    const int length = length_of(a_, rows_.sequence);
    for (int half = 0; half < 2; ++half) {
      const int row = warp_ % RowWarps * 16 + lane_ / 4 + 8 * half;
      seen_[half] = {0, 0};
      if (!rows_.has(row)) continue;
      const Span span = visible(a_, length, rows_.query(row));
      seen_[half] = {max(span.first, part_.seen.first), min(span.end, part_.seen.end)};
    }
    go_through_tiles();
    leave_results();
  }

 private:
  __device__ void load_queries() {
    for (int i = threadIdx.x; i < S::rows * (D / 8); i += threads) {
      const int row = i / (D / 8);
      const int column = i % (D / 8) * 8;
      uint4 words{};
      if (column < a_.head_dim && rows_.has(row)) {
        words = *reinterpret_cast<const uint4*>(a_.q + rows_.query_row(row) * a_.q_stride +
                                                std::int64_t{rows_.head(row)} * a_.head_dim + column);
      }
      *reinterpret_cast<uint4*>(q_ + row * S::pitch + column) = words;
    }
  }

  /// What the copies do not write of the keys is multiplied with zeros, and must not be NaN.
  __device__ void clear_beyond_heads() {
    if (a_.head_dim == D) return;
    for (int i = threadIdx.x; i < S::teams * S::stages * S::tile * (D / 8); i += threads) {
      const int row = i / (D / 8);
      const int column = i % (D / 8) * 8;
      T* const stage = rings_ + row / S::tile * S::stage;
      if (column >= a_.head_dim) *reinterpret_cast<uint4*>(stage + row % S::tile * S::pitch + column) = uint4{};
    }
  }

  __device__ T* stage(int index) const { return rings_ + (team_ * S::stages + index) * S::stage; }

  __device__ void copy(int tile, int index) {
    T* const keys = stage(index);
    T* const values = keys + S::tile * S::pitch;
    const int first = part_.base + tile * S::tile;
#pragma unroll
    for (int i = 0; i < S::tile * (D / 8) / S::team_threads; ++i) {
      const int at = i * S::team_threads + member_;
      const int row = at / (D / 8);
      const int column = at % (D / 8) * 8;
      const int key = first + row;
      const bool wanted = key >= part_.seen.first && key < part_.seen.end;
      const std::int64_t from = wanted ? key : part_.seen.first;
      if (column < a_.head_dim) copy_or_clear(keys + row * S::pitch + column, k_ + from * a_.k_stride + column, wanted);
      if (column < a_.value_dim)
        copy_or_clear(values + row * S::pitch + column, v_ + from * a_.v_stride + column, wanted);
    }
  }

  __device__ void wait_for_team() const {
    if constexpr (RowWarps == 1) {
      __syncwarp();
    } else {
      __syncthreads();
    }
  }

  /// Tiles are a team's by their place in the part, whatever is seen of it.
  __device__ void go_through_tiles() {
    if (part_.seen.first >= part_.seen.end) return;
    const int begin = (part_.seen.first - part_.base) / S::tile;
    const int end = (part_.seen.end - part_.base + S::tile - 1) / S::tile;
    const int first = begin + (team_ - begin % S::teams + S::teams) % S::teams;
    int next = first;
    for (int s = 0; s < S::stages - 1; ++s, next += S::teams) {
      if (next < end) copy(next, s);
      end_of_copies();
    }
    int at = 0;
    for (int tile = first; tile < end; tile += S::teams, next += S::teams) {
      wait_for_copies<S::stages - 2>();
      wait_for_team();  // all copies are there, and nobody reads the stage any more that is written next
      if (next < end) copy(next, (at + S::stages - 1) % S::stages);
      end_of_copies();
      compute(stage(at), part_.base + tile * S::tile);
      at = at + 1 == S::stages ? 0 : at + 1;
    }
  }

  __device__ void compute(const T* keys, int first_key) {
    float scores[S::tile / 8][4]{};
    score(keys, scores);
    float most[2] = {most_[0], most_[1]};
#pragma unroll
    for (int j = 0; j < S::tile / 8; ++j) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const int key = first_key + j * 8 + lane_ % 4 * 2 + e % 2;
        const bool seen = key >= seen_[e / 2].first && key < seen_[e / 2].end;
        scores[j][e] = seen ? scores[j][e] * a_.scale : -INFINITY;
        most[e / 2] = fmaxf(most[e / 2], scores[j][e]);
      }
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      most[half] = fmaxf(most[half], __shfl_xor_sync(0xffffffff, most[half], 1));
      most[half] = fmaxf(most[half], __shfl_xor_sync(0xffffffff, most[half], 2));
    }
    const float centre[2] = {most[0] == -INFINITY ? 0 : most[0], most[1] == -INFINITY ? 0 : most[1]};
    const float fade[2] = {exp2_fast(most_[0] - centre[0]), exp2_fast(most_[1] - centre[1])};
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      most_[half] = most[half];
      sum_[half] *= fade[half];
    }
#pragma unroll
    for (int j = 0; j < S::tile / 8; ++j) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        scores[j][e] = exp2_fast(scores[j][e] - centre[e / 2]);
        sum_[e / 2] += scores[j][e];
      }
    }
#pragma unroll
    for (int j = 0; j < D / 8; ++j) {
#pragma unroll
      for (int e = 0; e < 4; ++e) out_[j][e] *= fade[e / 2];
    }
    add_values(keys + S::tile * S::pitch, scores);
  }

  /// Of the warp's rows and the tile's keys.
  __device__ void score(const T* keys, float (&scores)[S::tile / 8][4]) const {
    const T* const q = q_ + (warp_ % RowWarps * 16 + lane_ / 8 % 2 * 8 + lane_ % 8) * S::pitch + lane_ / 16 * 8;
    const T* const k = keys + (lane_ / 16 * 8 + lane_ % 8) * S::pitch + lane_ / 8 % 2 * 8;
#pragma unroll
    for (int d = 0; d < D; d += 16) {
      if (d >= a_.head_dim) break;
      std::uint32_t rows[4];
      load_matrices<false>(rows, q + d);
#pragma unroll
      for (int j = 0; j < S::tile / 16; ++j) {
        std::uint32_t columns[4];
        load_matrices<false>(columns, k + j * 16 * S::pitch + d);
        multiply_add<T>(scores[2 * j], rows, columns[0], columns[1]);
        multiply_add<T>(scores[2 * j + 1], rows, columns[2], columns[3]);
      }
    }
  }

  /// The scores' results lie as the next product's operand has to.
  __device__ void add_values(const T* values, const float (&weights)[S::tile / 8][4]) {
    const T* const v = values + (lane_ / 8 % 2 * 8 + lane_ % 8) * S::pitch + lane_ / 16 * 8;
#pragma unroll
    for (int j = 0; j < S::tile / 16; ++j) {
      const std::uint32_t rows[4] = {
          pair<T>(weights[2 * j][0], weights[2 * j][1]), pair<T>(weights[2 * j][2], weights[2 * j][3]),
          pair<T>(weights[2 * j + 1][0], weights[2 * j + 1][1]), pair<T>(weights[2 * j + 1][2], weights[2 * j + 1][3])};
#pragma unroll
      for (int d = 0; d < D; d += 16) {
        if (d >= a_.value_dim) break;
        std::uint32_t columns[4];
        load_matrices<true>(columns, v + j * 16 * S::pitch + d);
        multiply_add<T>(out_[d / 8], rows, columns[0], columns[1]);
        multiply_add<T>(out_[d / 8 + 1], rows, columns[2], columns[3]);
      }
    }
  }

  /// Each warp's results into shared memory, where the rings were; then those of the same rows together, and out.
  __device__ void leave_results() {
    float* const results = reinterpret_cast<float*>(rings_);  // [warp][16][pitch]; behind a row its score and sum
    __syncthreads();
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      sum_[half] += __shfl_xor_sync(0xffffffff, sum_[half], 1);
      sum_[half] += __shfl_xor_sync(0xffffffff, sum_[half], 2);
      float* const row = results + (warp_ * 16 + lane_ / 4 + 8 * half) * S::pitch;
#pragma unroll
      for (int j = 0; j < D / 8; ++j) {
        *reinterpret_cast<float2*>(row + j * 8 + lane_ % 4 * 2) = {out_[j][2 * half], out_[j][2 * half + 1]};
      }
      if (lane_ % 4 == 0) *reinterpret_cast<float2*>(row + D) = {most_[half], sum_[half]};
    }
    __syncthreads();
    const int packs = a_.value_dim / 8;
    for (int i = threadIdx.x; i < S::rows * packs; i += threads) {
      const int row = i / packs;
      if (rows_.has(row)) leave_pack(results, row, i % packs * 8);
    }
  }

  __device__ void leave_pack(const float* results, int row, int column) const {
    const auto of_team = [&](int team) { return results + ((team * RowWarps + row / 16) * 16 + row % 16) * S::pitch; };
    float most = -INFINITY;
#pragma unroll
    for (int team = 0; team < S::teams; ++team) most = fmaxf(most, of_team(team)[D]);
    float sum = 0;
    Pack<float, 8> out{};
#pragma unroll
    for (int team = 0; team < S::teams; ++team) {
      const float* const from = of_team(team);
      if (from[D] == -INFINITY) continue;
      const float factor = exp2_fast(from[D] - most);
      sum += factor * from[D + 1];
#pragma unroll
      for (int e = 0; e < 8; ++e) out[e] += factor * from[column + e];
    }
    const std::int64_t query_row = rows_.query_row(row);
    const int head = rows_.head(row);
    if (a_.splits == 1) {
      const float share = sum > 0 ? 1 / sum : 0;
#pragma unroll
      for (int e = 0; e < 8; ++e) out[e] *= share;
      store(a_.o + query_row * a_.o_stride + std::int64_t{head} * a_.value_dim + column, narrow<T>(out));
      return;
    }
    const std::int64_t place = (query_row * a_.heads + head) * a_.splits + blockIdx.x % a_.splits;
    if (column == 0) a_.statistics[place] = {most, sum};
    store(a_.partial + place * a_.value_dim + column, out);
  }

  const AttentionArrays<T>& a_;
  const Rows<T>& rows_;
  const Part& part_;
  T* q_;
  T* rings_;
  int warp_;
  int lane_;
  int team_;
  int member_;
  const T* k_;
  const T* v_;
  Span seen_[2];  ///< by the lane's two rows
  float most_[2] = {-INFINITY, -INFINITY};
  float sum_[2] = {0, 0};
  float out_[D / 8][4]{};
};

template <typename T, int D, int RowWarps>
__global__ void __launch_bounds__(threads) flash(const __grid_constant__ AttentionArrays<T> a) {
  extern __shared__ uint4 shared[];
  let_next_begin();
  wait_for_previous();
  using S = Shape<D, RowWarps>;
  const int group = a.heads / a.kv_heads;
  const int count = a.queries * group;
  const unsigned row_blocks = (count + S::rows - 1) / S::rows;
  const int split = static_cast<int>(blockIdx.x % a.splits);
  const unsigned item = blockIdx.x / a.splits;
  const unsigned of_heads = item / row_blocks;
  const Rows<T> rows{a,     static_cast<int>(of_heads / a.kv_heads),       static_cast<int>(of_heads % a.kv_heads),
                     group, static_cast<int>(item % row_blocks) * S::rows, count};
  const int length = length_of(a, rows.sequence);
  const int last = min(rows.first + S::rows, count) - 1;
  const Span all = {visible(a, length, rows.first / group).first, visible(a, length, last / group).end};
  const Part part = part_of(a, all, split);
  Block<T, D, RowWarps>(a, rows, part, reinterpret_cast<T*>(shared)).run();
}

template <typename T, int D, int RowWarps>
Status run(const AttentionArrays<T>& a, cudaStream_t stream) {
  using S = Shape<D, RowWarps>;
  const auto kernel = flash<T, D, RowWarps>;
  const std::int64_t count = std::int64_t{a.queries} * (a.heads / a.kv_heads);
  const std::int64_t row_blocks = (count + S::rows - 1) / S::rows;
  const std::int64_t blocks = std::int64_t{a.batch} * a.kv_heads * row_blocks * a.splits;
  if (blocks > 0x7fffffff || count > 0x7fffffff - S::rows)
    return failure(StatusCode::unsupported, "kernel attention: too many rows for one launch");
  const cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, S::bytes);
  if (error != cudaSuccess) return check(error, "reserve shared memory for attention");
  const Following how(dim3(static_cast<unsigned>(blocks)), dim3(threads), stream, Cut::same, S::bytes);
  return launch_following(how, "attention", kernel, a);
}

template <typename T, int D>
Status run(const AttentionArrays<T>& a, cudaStream_t stream) {
  const std::int64_t rows = std::int64_t{a.queries} * (a.heads / a.kv_heads);
  return flash_rows(rows, a.part > 0) == 16 ? run<T, D, 1>(a, stream) : run<T, D, 4>(a, stream);
}

}  // namespace

template <typename T>
Status flash_attention(const AttentionArrays<T>& a, cudaStream_t stream) {
  const int widest = std::max(a.head_dim, a.value_dim);
  if (widest <= 64) return run<T, 64>(a, stream);
  if (widest <= 128) return run<T, 128>(a, stream);
  return run<T, 256>(a, stream);
}

template Status flash_attention(const AttentionArrays<__half>&, cudaStream_t);
template Status flash_attention(const AttentionArrays<__nv_bfloat16>&, cudaStream_t);

}  // namespace gemmetry::backends::cuda
