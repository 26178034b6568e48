#include "gemmetry/calibrate/parameter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <type_traits>
#include <utility>

#include "gemmetry/gpu/catalogue.h"
#include "gemmetry/op/names.h"
#include "gemmetry/predict/attention_model.h"

namespace gemmetry::calibrate {
namespace {

constexpr std::array<std::pair<Group, std::string_view>, 6> names{{{Group::gemm, "gemm"},
                                                                   {Group::misaligned_gemm, "misaligned_gemm"},
                                                                   {Group::attention, "attention"},
                                                                   {Group::decode, "decode"},
                                                                   {Group::pointwise, "pointwise"},
                                                                   {Group::power, "power"}}};

/// How far beyond what other GPUs have a coefficient may lie.
constexpr double beyond = 4;

/// The shipped calibrations, each of its own GPU.
const std::vector<gpu::Calibration>& shipped() {
  static const std::vector<gpu::Calibration> all = [] {
    std::vector<gpu::Calibration> calibrations;
    for (const std::string& name : gpu::calibration_names())
      calibrations.push_back(gpu::calibration_for(gpu::load_gpu(name)));
    return calibrations;
  }();
  return all;
}

/// `of` gives the group's coefficients in a calibration, const or not, or null.
template <class Coefficients, class Of>
std::vector<Parameter> parameters(const gpu::Calibration& now, Of of) {
  std::vector<Parameter> result;
  for (const auto& field : Coefficients::fields()) {
    const auto member = field.member;
    double low = of(now)->*member;
    double high = low;
    for (const gpu::Calibration& other : shipped()) {
      const Coefficients* coefficients = of(other);
      if (coefficients == nullptr) continue;
      const double value = coefficients->*member;
      high = std::max(high, value);
      if (value > 0) low = low > 0 ? std::min(low, value) : value;
    }
    Range range{std::max(field.low, low / beyond), std::min(field.high, high * beyond)};
    if (!(range.low < range.high)) range = {field.low, field.high};  // zero everywhere
    result.push_back({std::string(field.name), [=](const gpu::Calibration& c) { return of(c)->*member; },
                      [=](gpu::Calibration& c, double value) { of(c)->*member = value; }, range});
  }
  return result;
}

template <class Coefficients>
std::vector<Parameter> parameters(const gpu::Calibration& now, Coefficients gpu::Calibration::*group) {
  return parameters<Coefficients>(now, [group](auto& c) { return &(c.*group); });
}

/// Under the nine tenths from which a kernel counts as aligned.
constexpr double most_misaligned = 0.89;

std::vector<Parameter> alignment_parameters(const gpu::Calibration& now) {
  std::vector<Parameter> result;
  for (const auto& [bytes, classes] : now.alignment)
    for (const auto& [elements, efficiency] : classes)
      result.push_back({fmt::format("alignment.{}.{}", bytes, elements),
                        [b = bytes, e = elements](const gpu::Calibration& c) { return c.alignment.at(b).at(e); },
                        [b = bytes, e = elements](gpu::Calibration& c, double value) { c.alignment[b][e] = value; },
                        {efficiency / beyond, std::min(efficiency * beyond, most_misaligned)}});
  return result;
}

}  // namespace

std::string_view name(Group group) { return op::name_in<Group>(names, group); }

Group group_from_name(std::string_view name) { return op::value_in<Group>(names, "group of coefficients", name); }

const std::vector<Group>& all_groups() {
  static const std::vector<Group> all{Group::gemm,   Group::misaligned_gemm, Group::attention,
                                      Group::decode, Group::pointwise,       Group::power};
  return all;
}

const Group* group_of(const op::Operator& op, const predict::Predictor& predictor) {
  const auto group = [](Group one) { return &*std::find(all_groups().begin(), all_groups().end(), one); };
  return std::visit(
      [&]<class Op>(const Op& one) -> const Group* {
        if constexpr (std::is_same_v<Op, op::Gemm> || std::is_same_v<Op, op::GroupedGemm>) {
          // What has no tensor cores goes to kernels of the same kind as what they refuse.
          const bool misaligned = !predictor.gpu().tensor_flops.contains(one.dtype) ||
                                  predict::error_class(one, predictor.plan(one)) == op::ErrorClass::misaligned_product;
          return group(misaligned ? Group::misaligned_gemm : Group::gemm);
        } else if constexpr (std::is_same_v<Op, op::Attention>) {
          return group(predict::is_decode(one) ? Group::decode : Group::attention);
        } else if constexpr (std::is_same_v<Op, op::Collective>) {
          return nullptr;
        } else {
          return group(Group::pointwise);
        }
      },
      op);
}

std::vector<Parameter> parameters_of(Group group, const gpu::Calibration& now) {
  switch (group) {
    case Group::gemm:
      return parameters(now, &gpu::Calibration::gemm);
    case Group::misaligned_gemm: {
      std::vector<Parameter> result = parameters(now, &gpu::Calibration::misaligned_gemm);
      std::ranges::copy(alignment_parameters(now), std::back_inserter(result));
      return result;
    }
    case Group::attention:
      return parameters(now, &gpu::Calibration::attention);
    case Group::decode:
      return parameters(now, &gpu::Calibration::decode);
    case Group::pointwise:
      return parameters(now, &gpu::Calibration::pointwise);
    case Group::power:
      return parameters<gpu::PowerCoefficients>(now, [](auto& c) { return c.power ? &*c.power : nullptr; });
  }
  return {};
}

}  // namespace gemmetry::calibrate
