#include "gemmetry/calibrate/parameter.h"

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include "gemmetry/gpu/catalogue.h"
#include "gemmetry/op/names.h"
#include "gemmetry/predict/attention_model.h"

namespace gemmetry::calibrate {
namespace {

constexpr std::array<std::pair<Group, std::string_view>, 5> names{{{Group::gemm, "gemm"},
                                                                   {Group::misaligned_gemm, "misaligned_gemm"},
                                                                   {Group::attention, "attention"},
                                                                   {Group::decode, "decode"},
                                                                   {Group::pointwise, "pointwise"}}};

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

template <class Coefficients>
std::vector<Parameter> parameters(Coefficients gpu::Calibration::*group, const gpu::Calibration& now) {
  std::vector<Parameter> result;
  for (const auto& field : Coefficients::fields()) {
    const auto member = field.member;
    double low = (now.*group).*member;
    double high = low;
    for (const gpu::Calibration& other : shipped()) {
      const double value = (other.*group).*member;
      high = std::max(high, value);
      if (value > 0) low = low > 0 ? std::min(low, value) : value;
    }
    Range range{std::max(field.low, low / beyond), std::min(field.high, high * beyond)};
    if (!(range.low < range.high)) range = {field.low, field.high};  // zero everywhere
    result.push_back({std::string(field.name), [=](const gpu::Calibration& c) { return (c.*group).*member; },
                      [=](gpu::Calibration& c, double value) { (c.*group).*member = value; }, range});
  }
  return result;
}

}  // namespace

std::string_view name(Group group) { return op::name_in<Group>(names, group); }

const std::vector<Group>& all_groups() {
  static const std::vector<Group> all{Group::gemm, Group::misaligned_gemm, Group::attention, Group::decode,
                                      Group::pointwise};
  return all;
}

const Group* group_of(const op::Operator& op, const predict::Predictor& predictor) {
  const auto group = [](Group one) { return &*std::find(all_groups().begin(), all_groups().end(), one); };
  return std::visit(
      [&]<class Op>(const Op& one) -> const Group* {
        if constexpr (std::is_same_v<Op, op::Gemm> || std::is_same_v<Op, op::GroupedGemm>) {
          const bool misaligned =
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
      return parameters(&gpu::Calibration::gemm, now);
    case Group::misaligned_gemm:
      return parameters(&gpu::Calibration::misaligned_gemm, now);
    case Group::attention:
      return parameters(&gpu::Calibration::attention, now);
    case Group::decode:
      return parameters(&gpu::Calibration::decode, now);
    case Group::pointwise:
      return parameters(&gpu::Calibration::pointwise, now);
  }
  return {};
}

}  // namespace gemmetry::calibrate
