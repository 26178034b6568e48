#include "gemmetry/predict/attention_model.h"

#include <algorithm>
#include <cmath>

// Predicts: one fused attention kernel, forward or backward, and decode with the cache split over the SMs.
// Formula:  launch + (sm^3 + memory^3)^(1/3).
//           Many queries: sm = max(sum over tiles / SMs, longest tile), a tile being 128 queries of a head against its
//           unmasked keys in blocks of 128: tile = query_tile + blocks x (2 128^2 (d + dv) / (efficiency x peak per SM)
//           + softmax); memory = bytes / (efficiency x bandwidth). Backward: sm x FLOP ratio / backward_efficiency. Few
//           queries: memory = bytes / (efficiency x bandwidth x busy), busy = min(1, parts / (SMs x busy_units)), sm =
//           units / SMs x unit + products; start + split x log2(keys / 64) / 4 is added.
// Range:    calibrated forward, causal, bf16, head dimensions 64 to 256, 512 to 16384 tokens, caches to 131072 tokens.
// Ignores:  the library's kernel choices, paging of the cache, dropout, sinks, head dimensions that need a copy.
// Source:   shape of FlashAttention's loops; coefficients from data/calibration.

namespace gemmetry::predict {
namespace {

constexpr double block = 128;
constexpr double small_tile = 64;  // least rows of a tile
constexpr std::int64_t most_decode_queries = 16;
constexpr double decode_ratio = 4;  // keys per query from which the cache is split
constexpr double split_from = 64;   // keys; fully counted from 2^4 times as many
constexpr double split_octaves = 4;

double real(std::int64_t x) { return static_cast<double>(x); }

double blocks_of(double x) { return std::ceil(x / block); }

/// Rows of queries that a tile's products run over: whole blocks, or a half where that is enough.
double padded_rows(double queries) { return queries <= small_tile ? small_tile : blocks_of(queries) * block; }

double keys_seen(const op::Attention& a) {
  const double keys = real(a.keys);
  return a.window > 0 ? std::min(keys, real(a.window) + real(a.queries) - 1) : keys;
}

/// Keys the products of a query run over: the unmasked ones and what the edges of blocks add.
double worked_keys(const op::Attention& a) {
  const double unmasked = op::unmasked_pairs(a) / real(a.queries);
  const double edges = (a.causal ? block / 2 : 0) + (a.window > 0 ? block / 2 : 0);
  return std::min(unmasked + edges, blocks_of(real(a.keys)) * block);
}

/// The most keys a tile of queries runs over.
double longest_keys(const op::Attention& a) {
  const double keys = blocks_of(real(a.keys)) * block;
  return a.window > 0 ? std::min(keys, real(a.window) + block) : keys;
}

}  // namespace

bool is_decode(const op::Attention& a) {
  return !a.backward && a.queries <= most_decode_queries && real(a.keys) >= decode_ratio * real(a.queries);
}

std::int64_t padded_head_dim(std::int64_t head_dim) { return (head_dim + 31) / 32 * 32; }

AttentionModel::AttentionModel(const gpu::Gpu& gpu, const gpu::Calibration& calibration, gpu::Clocks clocks)
    : gpu_(gpu),
      attention_(calibration.attention),
      decode_(calibration.decode),
      clock_(clocks == gpu::Clocks::sustained ? gpu.sustained_fraction.value_or(1) : 1) {}

Estimate AttentionModel::estimate(const op::Attention& a) const {
  Estimate estimate = is_decode(a) ? few_queries(a) : many_queries(a);
  const double useful_s = std::max(op::flop(a) / gpu::peak_flops(gpu_, a.dtype), op::bytes(a) / gpu_.bandwidth);
  estimate.bound = bound_of(estimate, useful_s);
  return estimate;
}

double AttentionModel::peak_per_sm(shape::Dtype dtype) const {
  return gpu::peak_flops(gpu_, dtype) * clock_ / real(gpu_.sms);
}

Estimate AttentionModel::many_queries(const op::Attention& a) const {
  const double width = real(padded_head_dim(a.head_dim) + padded_head_dim(a.value_dim));
  const double block_s = 2 * block * block * width / (attention_.tensor_efficiency * peak_per_sm(a.dtype)) +
                         attention_.softmax_block_s / clock_;
  const double heads = real(a.batch) * real(a.heads);
  const double query_tiles = blocks_of(real(a.queries));
  const double blocks = padded_rows(real(a.queries)) * worked_keys(a) / (block * block);
  const double total = heads * (blocks * block_s + query_tiles * attention_.query_tile_s) / real(gpu_.sms);
  const double longest = longest_keys(a) / block * block_s + attention_.query_tile_s;
  double sm = std::max(total, longest);
  if (a.backward) {
    const double forward_products = real(a.head_dim) + real(a.value_dim);
    const double backward_products = 3 * real(a.head_dim) + 2 * real(a.value_dim);
    sm *= backward_products / forward_products / attention_.backward_efficiency;
  }

  Estimate estimate;
  estimate.tensor_time_s = sm;
  estimate.memory_time_s = op::bytes(a) / (attention_.memory_efficiency * gpu_.bandwidth);
  estimate.fixed_time_s = gpu_.launch_graph_s;
  estimate.time_s = estimate.fixed_time_s + overlapped(sm, estimate.memory_time_s);
  return estimate;
}

Estimate AttentionModel::few_queries(const op::Attention& a) const {
  const double sms = real(gpu_.sms);
  const double keys = keys_seen(a);
  const double units = real(a.batch) * real(a.kv_heads);
  const double parts = std::min(std::max(units, sms), units * std::max(1.0, keys / decode_.split_keys));
  const double busy = std::min(1.0, parts / (sms * decode_.busy_units));
  const double rows = std::ceil(real(a.heads) / real(a.kv_heads) * real(a.queries) / small_tile) * small_tile;
  const double products = units * rows * keys * 2 * real(a.head_dim + a.value_dim) /
                          (attention_.tensor_efficiency * peak_per_sm(a.dtype) * sms);
  const double octaves = std::clamp(std::log2(keys / split_from), 0.0, split_octaves) / split_octaves;

  Estimate estimate;
  estimate.tensor_time_s = units / sms * decode_.unit_s + products;
  estimate.memory_time_s = op::bytes(a) / (decode_.memory_efficiency * gpu_.bandwidth * busy);
  estimate.fixed_time_s = gpu_.launch_graph_s + decode_.start_s + decode_.split_s * octaves;
  estimate.time_s = estimate.fixed_time_s + overlapped(estimate.tensor_time_s, estimate.memory_time_s);
  return estimate;
}

}  // namespace gemmetry::predict
