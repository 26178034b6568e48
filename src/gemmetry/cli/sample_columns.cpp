#include "gemmetry/cli/sample_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include "gemmetry/cli/gpu_options.h"
#include "gemmetry/cli/operator_columns.h"
#include "gemmetry/measure/site.h"
#include "gemmetry/op/kinds.h"
#include "gemmetry/predict/features.h"

namespace gemmetry::cli {
namespace {

using calibrate::Judgement;
using calibrate::Predictors;
using report::Column;
using report::Value;

Value text(std::string_view text) { return std::string(text); }

/// A single-precision number with as many digits as it needs.
Value short_number(float value) { return std::stod(fmt::format("{}", value)); }

Value known(std::int64_t value) { return value == 0 ? Value() : Value(value); }

/// The features of the judgement that was asked for last: its columns ask one after the other.
class FeatureCache {
 public:
  explicit FeatureCache(Predictors& predictors) : predictors_(predictors) {}

  Value value(const Judgement& one, std::string_view name) {
    const auto names = predict::feature_names(one.sample.op);
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end()) return {};
    if (of_ != &one) values_ = predictors_.of(one.sample).features(one.sample.op);
    of_ = &one;
    return short_number(values_[static_cast<std::size_t>(at - names.begin())]);
  }

 private:
  Predictors& predictors_;
  const Judgement* of_ = nullptr;
  std::vector<float> values_;
};

void add_features(std::vector<Column<Judgement>>& columns, Predictors& predictors) {
  const auto cache = std::make_shared<FeatureCache>(predictors);
  std::set<std::string> seen;
  for (const std::string_view residual : predict::residual_names())
    for (const std::string_view name : predict::feature_names(residual))
      if (seen.insert(std::string(name)).second)
        columns.push_back({{.key = fmt::format("feature.{}", name)},
                           [cache, name](const Judgement& one) { return cache->value(one, name); }});
}

}  // namespace

std::vector<Column<Judgement>> sample_columns(Predictors& predictors) {
  std::vector<Column<Judgement>> columns{
      {{.key = "kind"}, [](const Judgement& one) { return text(kind(one.sample.op)); }}};
  for (const Column<op::Operator>& field : field_columns())
    columns.push_back({field.info, [get = field.get](const Judgement& one) { return get(one.sample.op); }});
  const auto part = [](std::string calibrate::ShapeClass::*member) {
    return [member](const Judgement& one) {
      const std::string& value = one.sample.shape_class.*member;
      return value.empty() ? Value() : Value(value);
    };
  };
  const auto algorithm = [](std::int32_t measure::AlgorithmInfo::*member) {
    return [member](const Judgement& one) { return known(one.sample.algorithm.*member); };
  };
  const auto reading = [](std::optional<double> measure::ClockReading::*member) {
    return [member](const Judgement& one) {
      const std::optional<double>& value = one.sample.clocks.*member;
      return value ? Value(*value) : Value();
    };
  };
  const std::vector<Column<Judgement>> others{
      {{.key = "clocks"}, [](const Judgement& one) { return text(gpu::name(one.sample.how.clocks)); }},
      {{.key = "launch"}, [](const Judgement& one) { return text(name_of(one.sample.how.launch)); }},
      {{.key = "class.kind"}, part(&calibrate::ShapeClass::kind)},
      {{.key = "class.alignment"}, part(&calibrate::ShapeClass::alignment)},
      {{.key = "class.size"}, part(&calibrate::ShapeClass::size)},
      {{.key = "site"}, [](const Judgement& one) { return text(measure::site_of(one.sample.op)); }},
      {{.key = "held_out"}, [](const Judgement& one) { return Value(one.sample.held_out); }},
      {{.key = "error_class"}, [](const Judgement& one) { return text(op::name(one.cost.error_class)); }},
      {{.key = "residual"}, [](const Judgement& one) { return text(predict::residual_of(one.sample.op)); }},
      {{.key = "time_s"}, [](const Judgement& one) { return Value(one.sample.time_s); }},
      {{.key = "predicted_s", .interval = true},
       [](const Judgement& one) {
         return Value(report::Interval{one.cost.time_s, one.cost.time_low_s(), one.cost.time_high_s()});
       }},
      {{.key = "structured_s"},
       [&predictors](const Judgement& one) { return Value(predictors.of(one.sample).structured_time(one.sample.op)); }},
      {{.key = "bound"}, [](const Judgement& one) { return text(op::name(one.cost.bound)); }},
      {{.key = "library.tile_m"}, algorithm(&measure::AlgorithmInfo::tile_m)},
      {{.key = "library.tile_n"}, algorithm(&measure::AlgorithmInfo::tile_n)},
      {{.key = "library.split_k"}, algorithm(&measure::AlgorithmInfo::split_k)},
      {{.key = "clock_mhz"}, reading(&measure::ClockReading::clock_mhz)},
      {{.key = "power_w"}, reading(&measure::ClockReading::power_w)},
  };
  columns.insert(columns.end(), others.begin(), others.end());
  add_features(columns, predictors);
  return columns;
}

}  // namespace gemmetry::cli
