#include <algorithm>
#include <cmath>

#include "gemmetry/backends/cuda/attention_parts.h"
#include "gemmetry/backends/cuda/following.h"
#include "gemmetry/backends/cuda/items.h"
#include "gemmetry/backends/cuda/own_attention.h"

namespace gemmetry::backends::cuda {
namespace {

bool flash_dims(const measure::AttentionKernel& kernel) {
  const op::Attention& a = kernel.attention;
  const bool half = a.dtype == shape::Dtype::bf16 || a.dtype == shape::Dtype::fp16;
  return half && std::max(a.head_dim, a.value_dim) <= flash_most_dim && a.head_dim % 8 == 0 && a.value_dim % 8 == 0;
}

/// Whether rows of all operands, and sequences, are whole packs apart.
template <typename T>
bool in_packs(const measure::AttentionKernel& k) {
  return whole_packs<T>({k.q_stride, k.k_stride, k.v_stride, k.o_stride, k.k_sequence, k.v_sequence});
}

/// One query a sequence over little enough that latency is most of the time: beyond, flash_attention's tensor cores and
/// rings of copies are the faster ones.
bool in_cluster(const measure::AttentionKernel& kernel, int sms) {
  constexpr std::int64_t most_bytes = std::int64_t{256} * 1024;  // an SM, of keys and values, as often as they are used
  const op::Attention& a = kernel.attention;
  if (kernel.splits > 0 || a.queries != 1 || !flash_dims(kernel) || !in_packs<__half>(kernel)) return false;
  const std::int64_t seen = a.window > 0 ? std::min(a.keys, a.window) : a.keys;
  const std::int64_t bytes = 2 * a.batch * a.heads * seen * (a.head_dim + a.value_dim);
  return cluster_takes(a.heads / a.kv_heads, std::max(a.head_dim, a.value_dim)) && bytes <= most_bytes * sms &&
         has_clusters();
}

/// Parts of the keys: as given, or the fewest with which the blocks fill the SMs nearly as well as with any number.
std::int64_t splits_of(const measure::AttentionKernel& kernel, int sms) {
  constexpr std::int64_t most_splits = 128;
  constexpr std::int64_t least_keys = 256;  // a part
  if (kernel.splits > 0) return kernel.splits;
  if (in_cluster(kernel, sms)) return 1;
  const op::Attention& a = kernel.attention;
  const std::int64_t rows = a.queries * (a.heads / a.kv_heads);
  const std::int64_t row_blocks = (rows + flash_rows(rows, false) - 1) / flash_rows(rows, false);
  const bool flash = flash_dims(kernel);
  const std::int64_t blocks = flash ? a.batch * a.kv_heads * row_blocks : a.batch * a.queries * a.heads;
  const std::int64_t resident = sms * (!flash ? 8 : std::max(a.head_dim, a.value_dim) > 128 ? 1 : 2);
  const std::int64_t seen = a.window > 0 ? std::min(a.keys, a.window + a.queries) : a.keys;
  const std::int64_t most = std::clamp<std::int64_t>(seen / least_keys, 1, most_splits);
  const auto use = [&](std::int64_t splits) {
    const double rounds = static_cast<double>(blocks * splits) / static_cast<double>(resident);
    return rounds / std::ceil(rounds);
  };
  double best = 0;
  for (std::int64_t splits = 1; splits <= most; ++splits) best = std::max(best, use(splits));
  for (std::int64_t splits = 1; splits <= most; ++splits) {
    if (use(splits) >= 0.9 * best) return splits;
  }
  return 1;
}

std::int64_t partial_sums(const measure::AttentionKernel& kernel, std::int64_t splits) {
  const op::Attention& a = kernel.attention;
  return (a.batch * a.queries * a.heads * splits + 1) / 2 * 2;  // even, so that what follows is aligned
}

template <typename T>
Status run(const measure::AttentionKernel& kernel, const Launch& on) {
  const op::Attention& a = kernel.attention;
  const std::int64_t splits = on.workspace == nullptr ? 1 : splits_of(kernel, on.sms);
  const auto small = [](std::int64_t size) { return static_cast<int>(size); };
  AttentionArrays<T> arrays{};
  arrays.q = on.array<const T>(0);
  arrays.k = on.array<const T>(1);
  arrays.v = on.array<const T>(2);
  const int after_lengths = kernel.lengths ? 4 : 3;
  arrays.lengths = kernel.lengths ? on.array<const std::int32_t>(3) : nullptr;
  arrays.slots = kernel.slots ? on.array<const std::int32_t>(after_lengths) : nullptr;
  arrays.o = on.array<T>(kernel.slots ? after_lengths + 1 : after_lengths);
  arrays.statistics = static_cast<float2*>(on.workspace);
  arrays.partial = static_cast<float*>(on.workspace) + 2 * partial_sums(kernel, splits);
  arrays.q_stride = kernel.q_stride;
  arrays.k_stride = kernel.k_stride;
  arrays.v_stride = kernel.v_stride;
  arrays.o_stride = kernel.o_stride;
  arrays.k_sequence = kernel.k_sequence;
  arrays.v_sequence = kernel.v_sequence;
  arrays.batch = small(a.batch);
  arrays.queries = small(a.queries);
  arrays.keys = small(a.keys);
  arrays.heads = small(a.heads);
  arrays.kv_heads = small(a.kv_heads);
  arrays.head_dim = small(a.head_dim);
  arrays.value_dim = small(a.value_dim);
  arrays.window = small(std::min(a.window, a.keys));
  arrays.splits = small(splits);
  arrays.causal = a.causal;
  arrays.scale = log2_e / std::sqrt(static_cast<float>(a.head_dim));
  if (kernel.splits > 0) {
    const std::int64_t each = (a.keys + splits - 1) / splits;
    arrays.part = small((each + part_granule - 1) / part_granule * part_granule);
  }
  const bool aligned = begin_aligned({arrays.q, arrays.k, arrays.v, arrays.o}) && in_packs<T>(kernel);
  Status status;
  if constexpr (sizeof(T) == 2) {
    if (aligned && in_cluster(kernel, on.sms)) return cluster_attention(arrays, on.stream);
    status = aligned && flash_dims(kernel) ? flash_attention(arrays, on.stream) : plain_attention(arrays, on.stream);
  } else {
    status = plain_attention(arrays, on.stream);
  }
  return status.ok() && splits > 1 ? combine(arrays, on.stream) : status;
}

}  // namespace

Status inspect_own_attention(const measure::AttentionKernel& kernel) {
  const op::Attention& a = kernel.attention;
  if (!flash_dims(kernel) && (a.head_dim > plain_most_head || a.value_dim > plain_most_values))
    return failure(StatusCode::unsupported, "kernel attention: head_dim %lld, value_dim %lld: use at most %d and %d",
                   static_cast<long long>(a.head_dim), static_cast<long long>(a.value_dim), plain_most_head,
                   plain_most_values);
  if (a.batch * a.queries * a.heads > 0x7fffffff || kernel.splits > 1024)
    return failure(StatusCode::unsupported, "kernel attention: too many rows, or more than 1024 splits");
  return {};
}

std::int64_t key_parts(const measure::AttentionKernel& kernel, int sms) noexcept { return splits_of(kernel, sms); }

std::int64_t workspace_bytes(const measure::AttentionKernel& kernel, int sms) noexcept {
  const std::int64_t splits = splits_of(kernel, sms);
  const std::int64_t floats = kernel.attention.value_dim + 2;
  return splits > 1 ? partial_sums(kernel, splits) * floats * static_cast<std::int64_t>(sizeof(float)) : 0;
}

Status launch(const measure::AttentionKernel& kernel, const Launch& on) noexcept {
  if (kernel.attention.batch <= 0 || kernel.attention.queries <= 0) return {};
  Status status;
  with_type(kernel.attention.dtype, [&](auto zero) { status = run<decltype(zero)>(kernel, on); });
  return status;
}

}  // namespace gemmetry::backends::cuda
