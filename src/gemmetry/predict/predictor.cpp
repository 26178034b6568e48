#include "gemmetry/predict/predictor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <variant>

#include "gemmetry/base/error.h"
#include "gemmetry/gpu/catalogue.h"
#include "gemmetry/op/dtype_of.h"
#include "gemmetry/predict/features.h"
#include "gemmetry/predict/reasons.h"

namespace gemmetry::predict {
namespace {

// What adds to the error of a class where the calibration was not made (standard deviations of the logarithm of the
// time).
constexpr double known_clock = 0.03;    // sustained throughput of another GPU of the same kind, another cooler
constexpr double unknown_clock = 0.10;  // sustained throughput not known: it is 0.84 of the burst's on H200, taken as 1
constexpr double other_dtype = 0.10;    // tables were in bf16; fp16 runs the same kernels
constexpr double other_kernel = 0.15;   // grouped products and attention backward: few measurements stand behind them
constexpr double other_decode =
    0.25;  // decode: the libraries' choice of kernel jumps with heads, head dimension and cache

/// Error beyond the sizes that a residual was fitted to, for each power of two (judged, not measured: interpolated
/// tables lose some 10 % over three).
constexpr double beyond_range = 0.03;
constexpr double far_octaves = 1;  // beyond the range: said in words

double hypotenuse(double a, double b) { return std::sqrt(a * a + b * b); }

Estimate estimate_of(const GemmPlan& plan) {
  return {plan.time_s, plan.tensor_time_s, plan.memory_time_s, plan.fixed_time_s, plan.bound};
}

void scale(Estimate& estimate, double factor) {
  estimate.time_s *= factor;
  estimate.tensor_time_s *= factor;
  estimate.memory_time_s *= factor;
  estimate.fixed_time_s *= factor;
}

void scale(GemmPlan& plan, double factor) {
  plan.time_s *= factor;
  plan.tensor_time_s *= factor;
  plan.memory_time_s *= factor;
  plan.fixed_time_s *= factor;
}

/// The clock that the structured models are asked for: where power is modelled, they keep to the full one.
gpu::Clocks structured_clocks(const gpu::Calibration& calibration, gpu::Clocks clocks) {
  return calibration.power ? gpu::Clocks::burst : clocks;
}

/// What an operator's own error gains where its class was calibrated on other kernels.
double other(const op::Operator& op) {
  if (std::holds_alternative<op::GroupedGemm>(op)) return other_kernel;
  const auto* attention = std::get_if<op::Attention>(&op);
  if (attention == nullptr) return 0;
  if (is_decode(*attention)) return other_decode;
  return attention->backward ? other_kernel : 0;
}

}  // namespace

Predictor::Predictor(gpu::Gpu gpu, gpu::Node node, gpu::Calibration calibration, Options options)
    : gpu_(std::move(gpu)),
      node_(std::move(node)),
      calibration_(std::move(calibration)),
      options_(options),
      gemms_(gpu_, calibration_, structured_clocks(calibration_, options.clocks)),
      attentions_(gpu_, calibration_, structured_clocks(calibration_, options.clocks)),
      pointwise_(gpu_, calibration_),
      collectives_(gpu_, node_, calibration_) {
  for (int i = 0; i < op::error_classes; ++i) {
    const gpu::LogError error = gpu::error_of(calibration_, op::name(static_cast<op::ErrorClass>(i)));
    errors_[static_cast<std::size_t>(i)] = {error.shared, error.independent};
  }
  for (const auto& [name, residual] : calibration_.residuals)
    if (feature_names(name).empty())
      throw Error(fmt::format("calibration '{}': residual '{}' is unknown: use {}", calibration_.name, name,
                              fmt::join(residual_names(), ", ")));
  for (const std::string_view name : residual_names()) {
    const auto found = calibration_.residuals.find(std::string(name));
    residuals_.emplace_back();
    if (found != calibration_.residuals.end()) residuals_.back().emplace(name, found->second, calibration_.name);
  }
  if (calibration_.chain && options.launch == Launch::chain) chain_.emplace(gpu_, *calibration_.chain);
  if (calibration_.power && options.clocks == gpu::Clocks::sustained) power_.emplace(gpu_, *calibration_.power);
}

Predictor Predictor::for_gpu(const std::string& name_or_path, Options options) {
  gpu::Gpu gpu = gpu::load_gpu(name_or_path);
  gpu::Node node = gpu::usual_node(gpu);
  gpu::Calibration calibration = gpu::calibration_for(gpu);
  return Predictor(std::move(gpu), std::move(node), std::move(calibration), options);
}

template <class Take>
auto Predictor::structured(const op::Operator& op, Take take) const {
  return std::visit(
      [&](const auto& one) {
        using Op = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<Op, op::Gemm>) {
          const GemmPlan plan = gemms_.plan(one);
          return take(Structured{estimate_of(plan), error_class(one, plan)},
                      [&](Features& values) { gemm_features(one, plan, gpu_, values); });
        } else if constexpr (std::is_same_v<Op, op::GroupedGemm>) {
          const GemmPlan plan = gemms_.plan(one);
          return take(Structured{estimate_of(plan), error_class(one, plan)}, [](Features&) {});
        } else if constexpr (std::is_same_v<Op, op::Attention>) {
          const Estimate estimate = attentions_.estimate(one);
          return take(Structured{estimate, op::ErrorClass::attention},
                      [&](Features& values) { attention_features(one, estimate, gpu_, values); });
        } else if constexpr (std::is_same_v<Op, op::Collective>) {
          return take(Structured{collectives_.estimate(one), op::ErrorClass::collective}, [](Features&) {});
        } else {
          const Estimate estimate = pointwise_.estimate(one);
          return take(Structured{estimate, op::ErrorClass::pointwise},
                      [&](Features& values) { row_wise_features(op, estimate, gpu_, values); });
        }
      },
      op);
}

const ResidualModel* Predictor::residual(const op::Operator& op) const {
  const auto names = residual_names();
  const auto found = std::ranges::find(names, residual_of(op));
  if (found == names.end()) return nullptr;
  const auto& residual = residuals_[static_cast<std::size_t>(found - names.begin())];
  return residual ? &*residual : nullptr;
}

double Predictor::slowdown(const op::Operator& op, const Structured& structured, double time_s) const {
  if (!power_) return 1;
  Estimate estimate = structured.estimate;
  scale(estimate, time_s / estimate.time_s);
  return power_->slowdown(power_->load(op, estimate));
}

/// Nothing learned makes the launch, the tensor cores or the memory faster than they are; what the L2 can hold from
/// one run to the next need not come from memory.
double Predictor::least_time(const op::Operator& op) const {
  const double flop = op::flop(op);
  const double multiplying_s = flop > 0 ? flop / gpu::peak_flops(gpu_, dtype_of(op)) : 0;
  return std::max({gpu_.launch_graph_s, multiplying_s, (op::bytes(op) - gpu_.l2_bytes) / gpu_.bandwidth});
}

Predictor::Priced Predictor::priced(const op::Operator& op) const {
  return structured(op, [&](const Structured& structured, const auto& write_features) {
    const Estimate& estimate = structured.estimate;
    Priced priced{estimate.time_s, estimate.time_s, estimate.bound, structured.error_class, {}, residual(op)};
    if (priced.residual != nullptr) {
      Features features;
      write_features(features);
      priced.correction = priced.residual->correction(features, dtype_of(op));
      priced.time_s *= std::exp(priced.correction.log_factor);
      priced.time_s = std::max(priced.time_s, std::min(estimate.time_s, least_time(op)));
    }
    priced.time_s *= slowdown(op, structured, priced.time_s);
    return priced;
  });
}

double Predictor::structured_time(const op::Operator& op) const {
  return structured(op, [](const Structured& structured, const auto&) { return structured.estimate.time_s; });
}

std::vector<float> Predictor::features(const op::Operator& op) const {
  Features values{};
  structured(op, [&](const Structured&, const auto& write_features) { write_features(values); });
  return {values.begin(), values.begin() + static_cast<std::ptrdiff_t>(feature_names(op).size())};
}

GemmPlan Predictor::plan(const op::Gemm& gemm) const {
  GemmPlan plan = gemms_.plan(gemm);
  scale(plan, priced(gemm).time_s / plan.time_s);
  return plan;
}

GemmPlan Predictor::plan(const op::GroupedGemm& gemm) const {
  GemmPlan plan = gemms_.plan(gemm);
  scale(plan, priced(gemm).time_s / plan.time_s);
  return plan;
}

op::Uncertainty Predictor::uncertainty(const op::Operator& op, const Priced& priced) const {
  op::Uncertainty error = errors_[static_cast<std::size_t>(priced.error_class)];
  const shape::Dtype dtype = dtype_of(op);
  if (dtype != shape::Dtype::bf16 && dtype != shape::Dtype::fp16) error.shared = hypotenuse(error.shared, other_dtype);
  error.independent = hypotenuse(error.independent, other(op));
  if (priced.residual != nullptr) {
    const Correction& correction = priced.correction;
    if (const auto& fitted = priced.residual->error(priced.error_class)) {
      const double width = std::exp(correction.log_spread);
      const auto between = [&](double far, double near) {
        return std::sqrt(correction.weight * near * near * width * width + (1 - correction.weight) * far * far);
      };
      error = {between(error.shared, fitted->shared), between(error.independent, fitted->independent)};
    }
    error.shared = hypotenuse(error.shared, beyond_range * correction.octaves);
  }
  const bool clocked = priced.bound == op::Bound::tensor || priced.bound == op::Bound::l2;
  if (clocked && options_.clocks == gpu::Clocks::sustained)
    error.shared = hypotenuse(error.shared, power_ || gpu_.sustained_fraction ? known_clock : unknown_clock);
  return error;
}

std::optional<Estimate> Predictor::chained(const op::Operator& op) const {
  return chain_ ? chain_->estimate(op) : std::nullopt;
}

op::Cost Predictor::cost(const op::Operator& op) const {
  const Priced priced = this->priced(op);
  op::Cost cost;
  cost.time_s = priced.time_s;
  cost.bound = priced.bound;
  cost.error = uncertainty(op, priced);
  if (const auto chained = this->chained(op)) {
    cost.time_s = chained->time_s;
    cost.bound = chained->bound;
    cost.error = {calibration_.chain->error_shared, calibration_.chain->error_independent};
  }
  if (options_.launch == Launch::stream && cost.time_s < gpu_.launch_stream_s) {
    cost.time_s = gpu_.launch_stream_s;
    cost.bound = op::Bound::launch;
  }
  cost.flop = op::flop(op);
  cost.bytes = op::bytes(op);
  cost.error_class = priced.error_class;
  cost.origin = op::Origin::predicted;
  return cost;
}

std::string Predictor::range_text(const Priced& priced) const {
  if (priced.correction.octaves <= far_octaves) return "";
  return fmt::format("; {:.0f} times beyond the sizes that were calibrated", std::exp2(priced.correction.octaves));
}

std::string Predictor::reason(const op::Operator& op) const {
  const Priced priced = this->priced(op);
  if (options_.launch == Launch::stream && priced.time_s < gpu_.launch_stream_s)
    return fmt::format("launch-bound: the host launches a kernel every {}, this one takes {}",
                       time_text(gpu_.launch_stream_s), time_text(priced.time_s));
  if (const auto chained = this->chained(op)) return chained_reason(op, *chained);
  const auto scaled = [&](auto estimate) {
    scale(estimate, priced.time_s / priced.structured_s);
    return estimate;
  };
  const std::string why = std::visit(
      [&](const auto& one) {
        using Op = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<Op, op::Gemm> || std::is_same_v<Op, op::GroupedGemm>)
          return reason_of(one, scaled(gemms_.plan(one)), gpu_);
        else if constexpr (std::is_same_v<Op, op::Attention>)
          return reason_of(one, scaled(attentions_.estimate(one)), gpu_);
        else if constexpr (std::is_same_v<Op, op::Collective>)
          return reason_of(one, collectives_.estimate(one), collectives_.link_bandwidth(one.span));
        else
          return memory_reason(op::bytes(one), scaled(pointwise_.estimate(one)));
      },
      op);
  return why + range_text(priced);
}

std::string Predictor::source() const {
  const bool unknown = options_.clocks == gpu::Clocks::sustained && !gpu_.sustained_fraction && !power_;
  const std::string clocks = std::string(gpu::name(options_.clocks)) + (unknown ? " (unknown for it: as burst)" : "");
  const std::string_view launch = options_.launch == Launch::stream ? "stream" : chain_ ? "chained" : "graph";
  switch (calibration_.fit) {
    case gpu::Fit::own:
      return fmt::format("predicted for {}, {} clocks, {} launches, calibrated on this GPU", gpu_.name, clocks, launch);
    case gpu::Fit::generation:
      return fmt::format("predicted for {}, {} clocks, {} launches, calibrated on {} of the same generation", gpu_.name,
                         clocks, launch, calibration_.name);
    case gpu::Fit::borrowed:
      return fmt::format("predicted for {}, {} clocks, {} launches, from its datasheet; behaviour borrowed from {}",
                         gpu_.name, clocks, launch, calibration_.name);
  }
  return "predicted";
}

}  // namespace gemmetry::predict
