#include "gemmetry/report/number.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>

namespace gemmetry::report {
namespace {

/// One step of a scale: numbers from `size` upward are shown in it.
struct Step {
  double size;
  std::string_view name;
};

constexpr Step one[] = {{1, ""}};
constexpr Step counts[] = {{1, ""}, {1e3, " k"}, {1e6, " M"}, {1e9, " G"}, {1e12, " T"}};
constexpr Step seconds[] = {{1e-9, " ns"}, {1e-6, " µs"}, {1e-3, " ms"}, {1, " s"}, {3600, " h"}, {86400, " days"}};
constexpr Step flop[] = {{1, " FLOP"},     {1e3, " kFLOP"},  {1e6, " MFLOP"}, {1e9, " GFLOP"},
                         {1e12, " TFLOP"}, {1e15, " PFLOP"}, {1e18, " EFLOP"}};
constexpr Step flop_per_s[] = {
    {1, " FLOP/s"}, {1e6, " MFLOP/s"}, {1e9, " GFLOP/s"}, {1e12, " TFLOP/s"}, {1e15, " PFLOP/s"}};
constexpr Step bytes[] = {{1, " B"}, {1e3, " kB"}, {1e6, " MB"}, {1e9, " GB"}, {1e12, " TB"}};
constexpr Step memory[] = {{1, " B"}, {0x1p10, " KiB"}, {0x1p20, " MiB"}, {0x1p30, " GiB"}, {0x1p40, " TiB"}};
constexpr Step bytes_per_s[] = {{1, " B/s"}, {1e6, " MB/s"}, {1e9, " GB/s"}, {1e12, " TB/s"}};
constexpr Step hertz[] = {{1, " Hz"}, {1e6, " MHz"}};
constexpr Step watts[] = {{1, " W"}};
constexpr Step fraction[] = {{0.01, " %"}};
constexpr Step factor[] = {{1, "x"}};
constexpr Step days[] = {{1, " days"}};

std::span<const Step> steps_of(Unit unit) {
  switch (unit) {
    case Unit::none:
      return one;
    case Unit::count:
      return counts;
    case Unit::seconds:
      return seconds;
    case Unit::flop:
      return flop;
    case Unit::flop_per_s:
      return flop_per_s;
    case Unit::bytes:
      return bytes;
    case Unit::memory:
      return memory;
    case Unit::bytes_per_s:
      return bytes_per_s;
    case Unit::hertz:
      return hertz;
    case Unit::watts:
      return watts;
    case Unit::fraction:
      return fraction;
    case Unit::factor:
      return factor;
    case Unit::days:
      return days;
  }
  return one;
}

const Step& step_of(double number, Unit unit) {
  const std::span<const Step> scale = steps_of(unit);
  const Step* best = &scale.front();
  // 999.7 rounds to 1000 at three digits and reads better as 1.00 of the next step.
  for (const Step& step : scale)
    if (std::abs(number) >= step.size * 0.9995) best = &step;
  return *best;
}

/// `significant` digits, more where the whole part has more; no exponent between a thousandth and ten millions.
std::string digits(double number, int significant) {
  if (number == 0) return "0";
  const double size = std::abs(number);
  if (size >= 1e7 || size < 1e-3) return fmt::format("{:.{}g}", number, significant);
  // The exponent after rounding: 0.9997 has three digits as 1.00.
  const double rounded = std::stod(fmt::format("{:.{}e}", size, significant - 1));
  const int after_point = significant - 1 - static_cast<int>(std::floor(std::log10(rounded)));
  return fmt::format("{:.{}f}", number, std::max(after_point, 0));
}

/// Factors near one need more digits to be told apart.
int digits_of_factor(double number) { return std::abs(number - 1) < 0.1 ? 3 : 2; }

std::string scaled(double number, const Step& step, Unit unit) {
  if (!std::isfinite(number)) return "-";
  const double value = number / step.size;
  if (unit == Unit::none && value == std::floor(value) && std::abs(value) < 1e15) return fmt::format("{:.0f}", value);
  if ((unit == Unit::count || unit == Unit::watts) && step.size == 1 && value == std::floor(value) && value < 1e4)
    return fmt::format("{:.0f}", value);
  if (unit == Unit::hertz && step.size == 1e6) return fmt::format("{:.0f}", value);
  if (unit == Unit::fraction) return std::abs(value) < 10 ? fmt::format("{:.1f}", value) : fmt::format("{:.0f}", value);
  if (unit == Unit::factor) return fmt::format("{:.{}f}", value, digits_of_factor(value));
  return digits(value, 3);
}

std::string without_control_characters(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return text;
}

struct Shown {
  Unit unit;
  std::string operator()(std::monostate) const { return ""; }
  std::string operator()(Unknown) const { return "-"; }
  std::string operator()(bool value) const { return value ? "yes" : "no"; }
  std::string operator()(std::int64_t value) const {
    return unit == Unit::none ? fmt::format("{}", value) : shown(static_cast<double>(value), unit);
  }
  std::string operator()(double value) const { return shown(value, unit); }
  std::string operator()(const std::string& value) const { return without_control_characters(value); }
  std::string operator()(const Interval& value) const { return shown(value, unit); }
  std::string operator()(const std::vector<double>& values) const { return fmt::format("{} values", values.size()); }
  std::string operator()(const std::vector<std::string>& words) const {
    return without_control_characters(fmt::format("{}", fmt::join(words, ", ")));
  }
};

struct Plain {
  std::string operator()(std::monostate) const { return ""; }
  std::string operator()(Unknown) const { return ""; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(double value) const { return std::isfinite(value) ? fmt::format("{}", value) : ""; }
  std::string operator()(const std::string& value) const { return value; }
  std::string operator()(const Interval& value) const { return (*this)(value.value); }
  std::string operator()(const std::vector<double>& values) const { return fmt::format("{}", fmt::join(values, " ")); }
  std::string operator()(const std::vector<std::string>& words) const {
    return fmt::format("{}", fmt::join(words, " "));
  }
};

}  // namespace

Scale scale_of(double number, Unit unit) {
  const Step& step = step_of(number, unit);
  return {step.size, std::string(step.name.substr(step.name.starts_with(' ') ? 1 : 0))};
}

std::vector<Scale> scales(Unit unit) {
  std::vector<Scale> all;
  for (const Step& step : steps_of(unit)) all.push_back({step.size, std::string(step.name)});
  return all;
}

std::string shown(double number, Unit unit) {
  if (!std::isfinite(number)) return "-";
  if (number == 0) return "0";
  const Step& step = step_of(number, unit);
  return scaled(number, step, unit) + std::string(step.name);
}

std::string shown(const Interval& interval, Unit unit) {
  if (!std::isfinite(interval.value)) return "-";
  if (unit == Unit::factor) {
    const int digits = digits_of_factor(interval.value);
    return fmt::format("{0:.{3}f}x ({1:.{3}f}..{2:.{3}f})", interval.value, interval.low, interval.high, digits);
  }
  const Step& step = step_of(interval.value, unit);
  return fmt::format("{}{} ({}..{})", scaled(interval.value, step, unit), step.name, scaled(interval.low, step, unit),
                     scaled(interval.high, step, unit));
}

std::string shown(const Value& value, Unit unit) { return std::visit(Shown{unit}, value); }

std::string plain(const Value& value) { return std::visit(Plain{}, value); }

std::string grouped(std::int64_t number) {
  std::string text = fmt::format("{}", number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t at = text.size(); at > first + 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::string interval_key(const std::string& key, const std::string& end) {
  const std::string unit = "_s";
  if (key.ends_with(unit)) return key.substr(0, key.size() - unit.size()) + "_" + end + unit;
  return key + "_" + end;
}

}  // namespace gemmetry::report
