#include "gemmetry/predict/predictor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <variant>

#include "gemmetry/gpu/catalogue.h"
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

double hypotenuse(double a, double b) { return std::sqrt(a * a + b * b); }

shape::Dtype dtype_of(const op::Operator& op) {
  return std::visit(
      [](const auto& one) {
        using Op = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<Op, op::Gemm> || std::is_same_v<Op, op::GroupedGemm> ||
                      std::is_same_v<Op, op::Attention>)
          return one.dtype;
        else
          return shape::Dtype::bf16;
      },
      op);
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
      gemms_(gpu_, calibration_, options.clocks),
      attentions_(gpu_, calibration_, options.clocks),
      pointwise_(gpu_, calibration_),
      collectives_(gpu_, node_, calibration_) {
  for (int i = 0; i < op::error_classes; ++i) {
    const gpu::LogError error = gpu::error_of(calibration_, op::name(static_cast<op::ErrorClass>(i)));
    errors_[static_cast<std::size_t>(i)] = {error.shared, error.independent};
  }
}

Predictor Predictor::for_gpu(const std::string& name_or_path, Options options) {
  gpu::Gpu gpu = gpu::load_gpu(name_or_path);
  gpu::Node node = gpu::usual_node(gpu);
  gpu::Calibration calibration = gpu::calibration_for(gpu);
  return Predictor(std::move(gpu), std::move(node), std::move(calibration), options);
}

Predictor::Priced Predictor::priced(const op::Gemm& gemm) const {
  const GemmPlan plan = gemms_.plan(gemm);
  return {plan.time_s, plan.bound, error_class(gemm, plan)};
}

Predictor::Priced Predictor::priced(const op::GroupedGemm& gemm) const {
  const GemmPlan plan = gemms_.plan(gemm);
  return {plan.time_s, plan.bound, error_class(gemm, plan)};
}

Predictor::Priced Predictor::priced(const op::Attention& attention) const {
  const Estimate estimate = attentions_.estimate(attention);
  return {estimate.time_s, estimate.bound, op::ErrorClass::attention};
}

Predictor::Priced Predictor::priced(const op::Collective& collective) const {
  const Estimate estimate = collectives_.estimate(collective);
  return {estimate.time_s, estimate.bound, op::ErrorClass::collective};
}

template <class Pointwise>
Predictor::Priced Predictor::priced(const Pointwise& pointwise) const {
  const Estimate estimate = pointwise_.estimate(pointwise);
  return {estimate.time_s, estimate.bound, op::ErrorClass::pointwise};
}

op::Uncertainty Predictor::uncertainty(const op::Operator& op, const Priced& priced) const {
  op::Uncertainty error = errors_[static_cast<std::size_t>(priced.error_class)];
  const bool clocked = priced.bound == op::Bound::tensor || priced.bound == op::Bound::l2;
  if (clocked && options_.clocks == gpu::Clocks::sustained)
    error.shared = hypotenuse(error.shared, gpu_.sustained_fraction ? known_clock : unknown_clock);
  const shape::Dtype dtype = dtype_of(op);
  if (dtype != shape::Dtype::bf16 && dtype != shape::Dtype::fp16) error.shared = hypotenuse(error.shared, other_dtype);
  error.independent = hypotenuse(error.independent, other(op));
  return error;
}

double Predictor::structured_time(const op::Operator& op) const {
  return std::visit([this](const auto& one) { return this->priced(one).time_s; }, op);
}

std::vector<float> Predictor::features(const op::Operator& op) const {
  Features values{};
  std::visit(
      [&](const auto& one) {
        using Op = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<Op, op::Gemm>)
          gemm_features(one, gemms_.plan(one), gpu_, values);
        else if constexpr (std::is_same_v<Op, op::Attention>)
          attention_features(one, attentions_.estimate(one), gpu_, values);
        else if constexpr (!std::is_same_v<Op, op::GroupedGemm> && !std::is_same_v<Op, op::Collective>)
          row_wise_features(op, pointwise_.estimate(one), gpu_, values);
      },
      op);
  return {values.begin(), values.begin() + static_cast<std::ptrdiff_t>(feature_names(op).size())};
}

op::Cost Predictor::cost(const op::Operator& op) const {
  const Priced priced = std::visit([this](const auto& one) { return this->priced(one); }, op);
  op::Cost cost;
  cost.time_s = priced.time_s;
  cost.bound = priced.bound;
  if (options_.launch == Launch::stream && cost.time_s < gpu_.launch_stream_s) {
    cost.time_s = gpu_.launch_stream_s;
    cost.bound = op::Bound::launch;
  }
  cost.flop = op::flop(op);
  cost.bytes = op::bytes(op);
  cost.error_class = priced.error_class;
  cost.error = uncertainty(op, priced);
  cost.origin = op::Origin::predicted;
  return cost;
}

std::string Predictor::reason(const op::Operator& op) const {
  const double time_s = cost(op).time_s;
  const double launched_s = std::visit([this](const auto& one) { return priced(one).time_s; }, op);
  if (launched_s < time_s)
    return fmt::format("launch-bound: the host launches a kernel every {}, this one takes {}", time_text(time_s),
                       time_text(launched_s));
  return std::visit(
      [this](const auto& one) {
        using Op = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<Op, op::Gemm> || std::is_same_v<Op, op::GroupedGemm>)
          return reason_of(one, gemms_.plan(one), gpu_);
        else if constexpr (std::is_same_v<Op, op::Attention>)
          return reason_of(one, attentions_.estimate(one), gpu_);
        else if constexpr (std::is_same_v<Op, op::Collective>)
          return reason_of(one, collectives_.estimate(one), collectives_.link_bandwidth(one.span));
        else
          return memory_reason(op::bytes(one), pointwise_.estimate(one));
      },
      op);
}

std::string Predictor::source() const {
  const bool unknown = options_.clocks == gpu::Clocks::sustained && !gpu_.sustained_fraction;
  const std::string clocks = std::string(gpu::name(options_.clocks)) + (unknown ? " (unknown for it: as burst)" : "");
  const std::string_view launch = options_.launch == Launch::graph ? "graph" : "stream";
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
