#pragma once

#include <vector>

#include "gemmetry/calibrate/error_statistics.h"
#include "gemmetry/calibrate/shape_class.h"
#include "gemmetry/report/table.h"

namespace gemmetry::cli {

/// The columns of a class of shapes; `get` gives a row's.
template <class Row, class Get>
std::vector<report::Column<Row>> class_columns(Get get) {
  using report::Value;
  const auto text = [get](std::string calibrate::ShapeClass::*member) {
    return [get, member](const Row& row) {
      const std::string& part = get(row).*member;
      return part.empty() ? Value() : Value(part);
    };
  };
  return {
      {{.key = "kind", .heading = "operator", .once = true}, text(&calibrate::ShapeClass::kind)},
      {{.key = "dtype", .heading = "dtype", .once = true}, text(&calibrate::ShapeClass::dtype)},
      {{.key = "clocks", .heading = "clocks"}, text(&calibrate::ShapeClass::clocks)},
      {{.key = "alignment", .heading = "alignment"}, text(&calibrate::ShapeClass::alignment)},
      {{.key = "size", .heading = "size"}, text(&calibrate::ShapeClass::size)},
  };
}

/// The columns of errors; `get` gives a row's.
template <class Row, class Get>
std::vector<report::Column<Row>> error_columns(Get get) {
  using calibrate::ErrorStatistics;
  using report::Unit;
  using report::Value;
  const auto share = [get](double ErrorStatistics::*member) {
    return [get, member](const Row& row) { return get(row).count == 0 ? Value() : Value(get(row).*member); };
  };
  return {
      {{.key = "count", .heading = "records"},
       [get](const Row& row) { return Value(static_cast<std::int64_t>(get(row).count)); }},
      {{.key = "mape", .heading = "MAPE", .unit = Unit::fraction}, share(&ErrorStatistics::mape)},
      {{.key = "median", .heading = "median", .unit = Unit::fraction}, share(&ErrorStatistics::median)},
      {{.key = "p95", .heading = "P95", .unit = Unit::fraction}, share(&ErrorStatistics::p95)},
      {{.key = "bias", .heading = "bias", .unit = Unit::fraction}, share(&ErrorStatistics::bias)},
      {{.key = "coverage", .heading = "in 90 % interval", .unit = Unit::fraction}, share(&ErrorStatistics::coverage)},
      {{.key = "half_width", .heading = "its half-width", .unit = Unit::fraction}, share(&ErrorStatistics::half_width)},
  };
}

}  // namespace gemmetry::cli
