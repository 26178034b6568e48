#include "gemmetry/predict/features.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>
#include <variant>

#include "gemmetry/predict/attention_model.h"

namespace gemmetry::predict {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::array residuals{"gemm"sv, "attention"sv, "attention_backward"sv, "decode"sv, "row_wise"sv};

constexpr std::array gemm_names{
    "log2_m"sv, "log2_n"sv, "log2_k"sv, "log2_batch"sv, "log2_flop"sv, "log2_bytes"sv,
    // what multiplies
    "dtype"sv, "layout"sv, "epilogue"sv, "m_power"sv, "n_power"sv, "k_power"sv, "a_alignment"sv, "b_alignment"sv,
    "c_alignment"sv, "alignment_efficiency"sv,
    // the structured estimate
    "time"sv, "tensor_share"sv, "memory_share"sv, "fixed_share"sv, "tile_m"sv, "tile_n"sv, "swapped"sv, "split_k"sv,
    "tiles"sv, "waves"sv, "last_wave_use"sv, "fill"sv,
    // shape and operands
    "intensity"sv, "m_over_n"sv, "k_over_mn"sv, "a_in_l2"sv, "b_in_l2"sv, "c_in_l2"sv, "k_use"sv, "steps_per_sm"sv,
    // how full tiles would be
    "m_use_64"sv, "m_use_128"sv, "m_use_192"sv, "m_use_256"sv, "n_use_64"sv, "n_use_128"sv, "n_use_192"sv,
    "n_use_256"sv,
    // how full the last wave of tiles would be, and how many waves there would be
    "fill_64x64"sv, "fill_64x128"sv, "fill_128x64"sv, "fill_256x64"sv, "fill_64x256"sv, "fill_128x128"sv,
    "fill_128x192"sv, "fill_192x128"sv, "fill_128x256"sv, "fill_256x128"sv, "fill_192x192"sv, "fill_256x192"sv,
    "waves_128x256"sv, "waves_256x128"sv, "waves_128x128"sv};

constexpr std::array attention_names{
    "log2_batch"sv, "log2_queries"sv, "log2_keys"sv, "log2_heads"sv, "log2_flop"sv, "log2_bytes"sv, "dtype"sv,
    "head_dim"sv, "value_dim"sv, "head_dim_power"sv, "causal"sv, "window_share"sv, "group"sv, "queries_per_key"sv,
    // the structured estimate
    "time"sv, "tensor_share"sv, "memory_share"sv, "fixed_share"sv, "intensity"sv, "in_l2"sv,
    // thread blocks
    "units"sv, "kv_units"sv, "queries_power"sv, "keys_power"sv, "queries_use_64"sv, "queries_use_128"sv,
    "queries_use_192"sv, "keys_use_128"sv, "keys_use_176"sv, "waves_64"sv, "waves_128"sv, "waves_192"sv, "fill_64"sv,
    "fill_128"sv, "fill_192"sv, "kv_fill"sv, "group_use_64"sv};

constexpr std::array row_wise_names{
    "log2_rows"sv,   "log2_width"sv, "log2_bytes"sv,    "kind"sv,  "variant"sv,     "backward"sv,
    "masked"sv,      "gated"sv,      "dropout"sv,       "bias"sv,  "dtype_bytes"sv, "read_bytes"sv,
    "write_bytes"sv, "time"sv,       "memory_share"sv,  "in_l2"sv, "width_power"sv, "width_bytes"sv,
    "rows_per_sm"sv, "row_fill"sv,   "width_use_1024"sv};

static_assert(gemm_names.size() <= most_features && attention_names.size() <= most_features &&
              row_wise_names.size() <= most_features);

/// Takes values one after the other, in the order of the names.
class Writer {
 public:
  explicit Writer(Features& values) : values_(values) {}
  void operator()(double value) { values_[next_++] = static_cast<float>(value); }
  void operator()(std::initializer_list<double> values) {
    for (const double value : values) (*this)(value);
  }

 private:
  Features& values_;
  std::size_t next_ = 0;
};

double real(std::int64_t x) { return static_cast<double>(x); }

/// Base 2, of something over 0; a float is exact enough to tell sizes apart.
double log2_of(double x) { return std::log2(static_cast<float>(std::max(x, 1e-30))); }

/// Exponent of the largest power of two that divides x, at most 8: no kernel asks for more.
double power_of(std::int64_t x) { return std::min(std::countr_zero(static_cast<std::uint64_t>(x)), 8); }

double pieces(double size, double tile) { return std::ceil(size / tile); }

/// Share of tiles of that extent which the size fills.
double use(double size, double tile) { return size / (pieces(size, tile) * tile); }

/// Share of whole waves that so many thread blocks fill.
double fill(double blocks, double sms) { return use(std::max(blocks, 1.0), sms); }

/// Dtypes in an order that puts alike ones side by side.
double dtype_code(shape::Dtype dtype) {
  switch (dtype) {
    case shape::Dtype::fp8:
      return 0;
    case shape::Dtype::fp16:
      return 1;
    case shape::Dtype::bf16:
      return 2;
    case shape::Dtype::tf32:
      return 3;
    case shape::Dtype::fp32:
      return 4;
  }
  return 5;
}

/// Sizes of a matrix's rows in memory decide which kernels can load it: exponent of the power of two of bytes.
double alignment(std::int64_t contiguous, double element_bytes) {
  return power_of(contiguous) + log2_of(element_bytes);
}

}  // namespace

std::string_view residual_of(const op::Operator& op) {
  if (std::holds_alternative<op::GroupedGemm>(op) || std::holds_alternative<op::Collective>(op)) return {};
  if (std::holds_alternative<op::Gemm>(op)) return "gemm";
  if (const auto* attention = std::get_if<op::Attention>(&op)) {
    if (attention->backward) return "attention_backward";
    return is_decode(*attention) ? "decode" : "attention";
  }
  return "row_wise";
}

std::span<const std::string_view> residual_names() { return residuals; }

std::span<const std::string_view> feature_names(std::string_view residual) {
  if (residual == "gemm") return gemm_names;
  if (residual == "row_wise") return row_wise_names;
  if (std::ranges::find(residuals, residual) != residuals.end()) return attention_names;
  return {};
}

std::span<const std::string_view> feature_names(const op::Operator& op) { return feature_names(residual_of(op)); }

void gemm_features(const op::Gemm& g, const GemmPlan& plan, const gpu::Gpu& gpu, Features& values) {
  const double batch = real(g.batch);
  const double m = real(g.m);
  const double n = real(g.n);
  const double k = real(g.k);
  const double in = shape::bytes_per_element(g.dtype);
  const double out = op::result_bytes_per_element(g.dtype);
  const double sms = real(gpu.sms);
  const double log2_m = log2_of(m);
  const double log2_n = log2_of(n);
  const double log2_k = log2_of(k);
  const double log2_batch = log2_of(batch);
  const double log2_l2 = log2_of(gpu.l2_bytes);
  const double log2_in = log2_of(in);
  const double log2_bytes = log2_of(op::bytes(g));
  const double log2_flop = 1 + log2_batch + log2_m + log2_n + log2_k;
  const bool a_along_k = g.layout != op::Layout::tn;
  const bool b_along_k = g.layout == op::Layout::nt;
  const double step = 128 / in;

  Writer write(values);
  write({log2_m, log2_n, log2_k, log2_batch, log2_flop, log2_bytes});
  write({dtype_code(g.dtype), static_cast<double>(g.layout), static_cast<double>(g.epilogue), power_of(g.m),
         power_of(g.n), power_of(g.k), alignment(a_along_k ? g.k : g.m, in), alignment(b_along_k ? g.k : g.n, in),
         alignment(g.n, out), plan.alignment_efficiency});

  const double parts = plan.tensor_time_s + plan.memory_time_s + plan.fixed_time_s;
  write({log2_of(plan.time_s * 1e6), plan.tensor_time_s / parts, plan.memory_time_s / parts, plan.fixed_time_s / parts,
         real(plan.swapped ? plan.tile_n : plan.tile_m), real(plan.swapped ? plan.tile_m : plan.tile_n),
         plan.swapped ? 1.0 : 0.0, real(plan.split_k), log2_of(real(plan.tiles)), log2_of(real(plan.waves)),
         plan.last_wave_use, plan.fill});

  const double mn_tiles = batch * m * n / (128 * 128);
  write({log2_flop - log2_bytes, log2_m - log2_n, 2 * log2_k - log2_m - log2_n,
         log2_batch + log2_m + log2_k + log2_in - log2_l2, log2_batch + log2_n + log2_k + log2_in - log2_l2,
         log2_batch + log2_m + log2_n + log2_of(out) - log2_l2, use(k, step), log2_of(mn_tiles * k / step / sms)});

  for (const double tile : {64, 128, 192, 256}) write(use(m, tile));
  for (const double tile : {64, 128, 192, 256}) write(use(n, tile));

  const std::array m_pieces{pieces(m, 64), pieces(m, 128), pieces(m, 192), pieces(m, 256)};
  const std::array n_pieces{pieces(n, 64), pieces(n, 128), pieces(n, 192), pieces(n, 256)};
  const auto waves = [&](std::size_t rows, std::size_t columns) {
    return batch * m_pieces[rows] * n_pieces[columns] / sms;
  };
  const auto full = [&](double in_waves) { return in_waves / std::ceil(in_waves); };
  const double w128x256 = waves(1, 3);
  const double w256x128 = waves(3, 1);
  const double w128x128 = waves(1, 1);
  write({full(waves(0, 0)), full(waves(0, 1)), full(waves(1, 0)), full(waves(3, 0)), full(waves(0, 3)), full(w128x128),
         full(waves(1, 2)), full(waves(2, 1)), full(w128x256), full(w256x128), full(waves(2, 2)), full(waves(3, 2)),
         log2_of(w128x256), log2_of(w256x128), log2_of(w128x128)});
}

void attention_features(const op::Attention& a, const Estimate& estimate, const gpu::Gpu& gpu, Features& values) {
  const double queries = real(a.queries);
  const double keys = real(a.keys);
  const double heads = real(a.batch) * real(a.heads);
  const double kv_heads = real(a.batch) * real(a.kv_heads);
  const double group = real(a.heads) / real(a.kv_heads);
  const double sms = real(gpu.sms);
  const double flop = log2_of(op::flop(a));
  const double bytes = log2_of(op::bytes(a));

  Writer write(values);
  write({log2_of(real(a.batch)), log2_of(queries), log2_of(keys), log2_of(real(a.heads)), flop, bytes,
         dtype_code(a.dtype), real(a.head_dim), real(a.value_dim), power_of(a.head_dim), a.causal ? 1.0 : 0.0,
         a.window > 0 ? std::min(real(a.window) / keys, 1.0) : 1.0, log2_of(group), queries / keys});

  const double parts = estimate.tensor_time_s + estimate.memory_time_s + estimate.fixed_time_s;
  write({log2_of(estimate.time_s * 1e6), estimate.tensor_time_s / parts, estimate.memory_time_s / parts,
         estimate.fixed_time_s / parts, flop - bytes, bytes - log2_of(gpu.l2_bytes)});

  const std::array blocks{heads * pieces(queries, 64), heads * pieces(queries, 128), heads * pieces(queries, 192)};
  write({log2_of(heads / sms), log2_of(kv_heads / sms), power_of(a.queries), power_of(a.keys), use(queries, 64),
         use(queries, 128), use(queries, 192), use(keys, 128), use(keys, 176)});
  for (const double all : blocks) write(log2_of(all / sms));
  for (const double all : blocks) write(fill(all, sms));
  write({fill(kv_heads, sms), use(group * queries, 64)});
}

namespace {

/// What tells row-wise operators apart.
struct RowWise {
  double kind;
  double rows;
  double width;
  double variant = 0;
  bool backward = false;
  bool masked = false;
  bool gated = false;
  bool dropout = false;
  bool bias = false;
  double element_bytes = 2;
  double read_bytes = 0;  ///< of plain elementwise kernels, an element
  double write_bytes = 0;
};

RowWise described(const op::Norm& x) {
  return {.kind = 0,
          .rows = real(x.rows),
          .width = real(x.width),
          .variant = static_cast<double>(x.norm),
          .backward = x.backward,
          .element_bytes = shape::bytes_per_element(x.dtype)};
}
RowWise described(const op::Softmax& x) {
  return {.kind = 1,
          .rows = real(x.rows),
          .width = real(x.columns),
          .backward = x.backward,
          .masked = x.masked,
          .element_bytes = shape::bytes_per_element(x.dtype)};
}
RowWise described(const op::CrossEntropy& x) {
  return {.kind = 2,
          .rows = real(x.rows),
          .width = real(x.vocab),
          .backward = x.backward,
          .element_bytes = shape::bytes_per_element(x.dtype)};
}
RowWise described(const op::Activation& x) {
  return {.kind = 3,
          .rows = real(x.rows),
          .width = real(x.width),
          .variant = static_cast<double>(x.function),
          .backward = x.backward,
          .gated = x.gated,
          .element_bytes = shape::bytes_per_element(x.dtype)};
}
RowWise described(const op::Residual& x) {
  return {.kind = 4,
          .rows = real(x.rows),
          .width = real(x.width),
          .backward = x.backward,
          .dropout = x.dropout,
          .bias = x.bias,
          .element_bytes = shape::bytes_per_element(x.dtype)};
}
RowWise described(const op::Rotary& x) {
  return {.kind = 5,
          .rows = real(x.tokens),
          .width = real(x.heads) * real(x.dim),
          .variant = real(x.dim),
          .backward = x.backward,
          .element_bytes = shape::bytes_per_element(x.dtype)};
}
RowWise described(const op::Embedding& x) {
  return {.kind = 6,
          .rows = real(x.tokens),
          .width = real(x.width),
          .backward = x.backward,
          .bias = x.positions,
          .element_bytes = shape::bytes_per_element(x.dtype)};
}
RowWise described(const op::Optimizer& x) {
  return {.kind = 7, .rows = real(x.parameters), .width = 1, .element_bytes = shape::bytes_per_element(x.dtype)};
}
RowWise described(const op::Pointwise& x) {
  return {.kind = 8,
          .rows = real(x.elements),
          .width = 1,
          .variant = static_cast<double>(x.function),
          .read_bytes = x.read_bytes,
          .write_bytes = x.write_bytes};
}

}  // namespace

void row_wise_features(const op::Operator& op, const Estimate& estimate, const gpu::Gpu& gpu, Features& values) {
  const RowWise x = std::visit(
      [](const auto& one) -> RowWise {
        if constexpr (requires { described(one); })
          return described(one);
        else
          return {};
      },
      op);
  const double bytes = log2_of(op::bytes(op));
  const double per_sm = x.rows / real(gpu.sms);
  const double parts = estimate.memory_time_s + estimate.fixed_time_s;
  Writer write(values);
  write({log2_of(x.rows), log2_of(x.width), bytes});
  write({x.kind, x.variant, x.backward ? 1.0 : 0.0, x.masked ? 1.0 : 0.0, x.gated ? 1.0 : 0.0, x.dropout ? 1.0 : 0.0,
         x.bias ? 1.0 : 0.0, x.element_bytes, x.read_bytes, x.write_bytes});
  write({log2_of(estimate.time_s * 1e6), estimate.memory_time_s / parts, bytes - log2_of(gpu.l2_bytes),
         power_of(static_cast<std::int64_t>(std::min(x.width, 9e18))), log2_of(x.width * x.element_bytes),
         log2_of(per_sm), use(x.rows, real(gpu.sms)), use(x.width, 1024)});
}

}  // namespace gemmetry::predict
