#include "gemmetry/predict/chain_model.h"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <variant>

#include "gemmetry/predict/attention_model.h"
#include "gemmetry/shape/dtype.h"

namespace gemmetry::predict {
namespace {

constexpr std::int64_t most_vector_rows = 2;
constexpr std::int64_t vector_elements = 256 * 8;  ///< of a row of the matrix that a block takes at once
constexpr std::int64_t least_part_keys = 256;
constexpr std::int64_t most_parts = 128;
constexpr std::int64_t query_rows = 16;  ///< of a block
constexpr std::int64_t most_cluster_blocks = 8;
constexpr std::int64_t cluster_warps = 8;                ///< of a block
constexpr std::int64_t most_cluster_bytes = 256 * 1024;  ///< an SM, of keys and values, as often as they are used

bool is_half(shape::Dtype dtype) { return dtype == shape::Dtype::bf16 || dtype == shape::Dtype::fp16; }

/// Dimensions that a block works with.
std::int64_t block_dim(const op::Attention& a) {
  const std::int64_t dim = std::max(a.head_dim, a.value_dim);
  return dim <= 64 ? 64 : dim <= 128 ? 128 : 256;
}

std::int64_t seen_keys(const op::Attention& a) {
  return a.window > 0 ? std::min(a.keys, a.window + a.queries) : a.keys;
}

/// Attention of one query over little: blocks, and how often each of their warps takes keys.
struct Cluster {
  std::int64_t blocks = 0;
  std::int64_t rounds = 0;
};

/// Absent where clusters are not what serves the cache.
std::optional<Cluster> cluster_of(const op::Attention& a, std::int64_t sms) {
  const std::int64_t group = a.heads / a.kv_heads;
  const std::int64_t keys = a.window > 0 ? std::min(a.keys, a.window) : a.keys;
  const std::int64_t dim = std::max(a.head_dim, a.value_dim);
  const std::int64_t used = 2 * a.batch * a.heads * keys * (a.head_dim + a.value_dim);
  const bool takes = a.queries == 1 && (group <= 4 || (group <= 8 && dim <= 128)) && dim <= 256 &&
                     a.head_dim % 8 == 0 && a.value_dim % 8 == 0;
  if (!takes || used > most_cluster_bytes * sms) return std::nullopt;
  const std::int64_t lanes = block_dim(a) / 8;  // of a key
  const std::int64_t at_once = group > 4 || (group > 2 && lanes == 8) ? 4 : 8;
  const std::int64_t per_block = cluster_warps * (32 / lanes) * at_once;
  const std::int64_t blocks = std::clamp<std::int64_t>((keys + per_block - 1) / per_block, 1, most_cluster_blocks);
  return Cluster{a.batch * a.kv_heads * blocks, (keys + per_block * blocks - 1) / (per_block * blocks)};
}

}  // namespace

std::int64_t cache_parts(const op::Attention& a, std::int64_t sms) {
  const std::int64_t rows = a.queries * (a.heads / a.kv_heads);
  const std::int64_t blocks = a.batch * a.kv_heads * ((rows + query_rows - 1) / query_rows);
  const std::int64_t resident = sms * (block_dim(a) > 128 ? 1 : 2);
  const std::int64_t most = std::clamp<std::int64_t>(seen_keys(a) / least_part_keys, 1, most_parts);
  const auto use = [&](std::int64_t parts) {
    const double rounds = static_cast<double>(blocks * parts) / static_cast<double>(resident);
    return rounds / std::ceil(rounds);
  };
  double best = 0;
  for (std::int64_t parts = 1; parts <= most; ++parts) best = std::max(best, use(parts));
  for (std::int64_t parts = 1; parts < most; ++parts)
    if (use(parts) >= 0.9 * best) return parts;
  return most;
}

ChainModel::ChainModel(const gpu::Gpu& gpu, const gpu::ChainCoefficients& coefficients)
    : gpu_(gpu), chain_(coefficients) {}

Estimate ChainModel::rows(double start_s, double bytes) const {
  Estimate estimate;
  estimate.fixed_time_s = start_s;
  estimate.memory_time_s = bytes / (gpu_.bandwidth * chain_.row_efficiency);
  estimate.time_s = estimate.fixed_time_s + estimate.memory_time_s;
  estimate.bound = bound_of(estimate);
  return estimate;
}

std::optional<Estimate> ChainModel::product(const op::Gemm& g) const {
  const bool own = g.m <= most_vector_rows && g.batch == 1 && g.layout == op::Layout::nt && is_half(g.dtype);
  if (!own) return std::nullopt;
  Estimate estimate;
  const std::int64_t depth =
      g.k <= vector_elements ? g.k : (g.k + vector_elements - 1) / vector_elements * vector_elements;
  estimate.fixed_time_s = chain_.vector_start_s + chain_.vector_depth_s * static_cast<double>(depth);
  estimate.memory_time_s = op::bytes(g) / (gpu_.bandwidth * chain_.vector_efficiency) *
                           (1 + chain_.vector_second_row * static_cast<double>(g.m - 1));
  estimate.time_s = estimate.fixed_time_s + estimate.memory_time_s;
  estimate.bound = bound_of(estimate);
  return estimate;
}

std::optional<Estimate> ChainModel::attention(const op::Attention& a) const {
  if (!is_decode(a) || a.backward || !is_half(a.dtype)) return std::nullopt;
  Estimate estimate;
  if (const auto cluster = cluster_of(a, gpu_.sms)) {
    const double heads = 1 + chain_.cluster_head * (static_cast<double>(a.heads) / static_cast<double>(a.kv_heads) - 1);
    const double load = 1 + chain_.cluster_load * static_cast<double>(cluster->blocks) / gpu_.sms;
    estimate.fixed_time_s =
        chain_.cluster_start_s + chain_.cluster_round_s * static_cast<double>(cluster->rounds) * heads * load;
  } else {
    estimate.fixed_time_s = chain_.attention_start_s + (cache_parts(a, gpu_.sms) > 1 ? chain_.attention_combine_s : 0);
  }
  const double padding = static_cast<double>(2 * block_dim(a)) / static_cast<double>(a.head_dim + a.value_dim) - 1;
  estimate.memory_time_s =
      op::bytes(a) / (gpu_.bandwidth * chain_.attention_efficiency) * (1 + chain_.attention_padding * padding);
  estimate.time_s = estimate.fixed_time_s + estimate.memory_time_s;
  estimate.bound = bound_of(estimate);
  return estimate;
}

std::optional<Estimate> ChainModel::estimate(const op::Operator& op) const {
  return std::visit(
      [&](const auto& one) -> std::optional<Estimate> {
        using Op = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<Op, op::Gemm>)
          return product(one);
        else if constexpr (std::is_same_v<Op, op::Attention>)
          return attention(one);
        else if constexpr (std::is_same_v<Op, op::Norm>)
          return rows(chain_.norm_start_s, op::bytes(one));
        else if constexpr (std::is_same_v<Op, op::Embedding>)
          return rows(chain_.first_start_s, op::bytes(one));
        else if constexpr (std::is_same_v<Op, op::Rotary> || std::is_same_v<Op, op::Residual>)
          return rows(0, op::bytes(one));  // on the way into the cache, and in the product before
        else if constexpr (std::is_same_v<Op, op::Activation>)
          return rows(one.rows <= most_vector_rows ? 0 : chain_.row_start_s, op::bytes(one));
        else if constexpr (std::is_same_v<Op, op::Pointwise>)
          return rows(chain_.row_start_s, op::bytes(one));
        else
          return std::nullopt;
      },
      op);
}

}  // namespace gemmetry::predict
