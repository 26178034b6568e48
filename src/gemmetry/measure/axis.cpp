#include "gemmetry/measure/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <type_traits>
#include <unordered_set>

#include "gemmetry/base/error.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/base/text_value.h"
#include "gemmetry/op/field_text.h"
#include "gemmetry/op/kinds.h"
#include "gemmetry/op/limits.h"

namespace gemmetry::measure {
namespace {

constexpr std::string_view power_sign = "2^";
constexpr std::int64_t largest_power = 53;

/// Reads the values of one axis, item by item.
class AxisReader {
 public:
  AxisReader(std::string_view what, std::string_view text, std::int64_t low) : what_(what), text_(text), low_(low) {}

  std::vector<std::int64_t> read() {
    const std::vector<std::string> items = comma_list(text_);
    for (const std::string& item : items) read_item(item);
    return std::move(values_);
  }

 private:
  void read_item(std::string_view item) {
    const std::size_t dots = item.find("..");
    if (dots != std::string_view::npos) return read_span(item.substr(0, dots), item.substr(dots + 2));
    const std::size_t colon = item.find(':');
    if (colon == std::string_view::npos) return add(value(item));
    const std::size_t second = item.find(':', colon + 1);
    if (second == std::string_view::npos) refuse();
    add_steps(value(item.substr(0, colon)), value(item.substr(colon + 1, second - colon - 1)),
              whole(item.substr(second + 1), 1));
  }

  void read_span(std::string_view first, std::string_view last) {
    first = without_blanks(first);
    last = without_blanks(last);
    if (first.starts_with(power_sign) != last.starts_with(power_sign)) refuse();
    if (!first.starts_with(power_sign)) return add_steps(value(first), value(last), 1);
    const std::int64_t end = value(last);
    if (value(first) > end) refuse();
    for (std::int64_t power = value(first); power <= end; power *= 2) add(power);
  }

  std::int64_t value(std::string_view text) const {
    text = without_blanks(text);
    if (!text.starts_with(power_sign)) return whole(text, low_);
    const std::int64_t exponent = whole(text.substr(power_sign.size()), 0);
    if (exponent > largest_power) refuse();
    return std::int64_t{1} << exponent;
  }

  std::int64_t whole(std::string_view text, std::int64_t low) const {
    try {
      return whole_number(what_, text, low);
    } catch (const Error&) {
      refuse();
    }
  }

  void add_steps(std::int64_t first, std::int64_t last, std::int64_t step) {
    if (first > last) refuse();
    require_room((last - first) / step + 1);
    for (std::int64_t value = first; value <= last; value += step) values_.push_back(value);
  }

  void add(std::int64_t value) {
    require_room(1);
    values_.push_back(value);
  }

  void require_room(std::int64_t more) const {
    if (static_cast<std::int64_t>(values_.size()) > longest_axis - more)
      throw Error(fmt::format("{} = '{}': more than {} values; take a larger step", what_, shown(), longest_axis));
  }

  std::string shown() const {
    return text_.size() > 60 ? fmt::format("{}...", text_.substr(0, 57)) : std::string(text_);
  }

  [[noreturn]] void refuse() const {
    refuse_text(
        what_, text_,
        fmt::format("whole numbers from {}, as in 4096, 2.7e9, 2^12, 1..8, 2^5..2^13, 128:4096:128 (first, last, "
                    "step), or a list of these with commas",
                    low_));
  }

  std::string_view what_;
  std::string_view text_;
  std::int64_t low_;
  std::vector<std::int64_t> values_;
};

/// The texts of an axis's values, as `op::read` takes them.
template <class Value>
std::vector<std::string> texts(const Axis& axis, bool required, const Value& usual) {
  if constexpr (std::is_same_v<Value, std::int64_t>) {
    std::vector<std::string> all;
    for (const std::int64_t value : axis_values(axis.field, axis.values, required || usual > 0 ? 1 : 0))
      all.push_back(fmt::format("{}", value));
    return all;
  } else {
    return comma_list(axis.values);
  }
}

/// An axis whose values set the field of an operator.
template <class Op>
struct Setter {
  std::vector<std::string> values;
  std::function<void(Op&, const std::string&)> set;
};

template <class Op>
Setter<Op> setter(const Axis& axis) {
  Setter<Op> found;
  std::vector<std::string> fields;
  const Op defaults;
  op::for_each_field<Op>([&](const auto& field) {
    fields.emplace_back(field.name);
    if (field.name != axis.field) return;
    found.values = texts(axis, field.required, defaults.*field.member);
    found.set = [field](Op& one, const std::string& text) {
      op::read(field.name, text, field.required, one.*field.member);
    };
  });
  if (!found.set)
    throw Error(fmt::format("{} has no field '{}': use {}{}", Op::kind, axis.field, fmt::join(fields, ", "),
                            did_you_mean(axis.field, fields)));
  return found;
}

template <class Op>
std::vector<op::Operator> combinations(const Op& defaults, std::span<const Axis> axes) {
  const auto given = [&](std::string_view name) {
    return std::any_of(axes.begin(), axes.end(), [&](const Axis& axis) { return axis.field == name; });
  };
  op::for_each_field<Op>([&](const auto& field) {
    if (field.required && !given(field.name)) throw Error(fmt::format("{} needs {}", Op::kind, field.name));
  });
  std::vector<Setter<Op>> setters;
  std::int64_t count = 1;
  for (const Axis& axis : axes) {
    setters.push_back(setter<Op>(axis));
    const std::int64_t values = static_cast<std::int64_t>(setters.back().values.size());
    if (values > longest_axis / count)
      throw Error(
          fmt::format("the values of {} make more than {} operators: take larger steps", Op::kind, longest_axis));
    count *= values;
  }
  std::vector<op::Operator> ops;
  ops.reserve(static_cast<std::size_t>(count));
  for (std::int64_t index = 0; index < count; ++index) {
    Op one = defaults;
    std::size_t rest = static_cast<std::size_t>(index);
    for (std::size_t i = setters.size(); i-- > 0;) {
      const std::vector<std::string>& values = setters[i].values;
      setters[i].set(one, values[rest % values.size()]);
      rest /= values.size();
    }
    op::Operator all = one;
    complete(all, given);
    require_priceable(all);
    ops.push_back(all);
  }
  return ops;
}

}  // namespace

std::vector<std::int64_t> axis_values(std::string_view what, std::string_view text, std::int64_t low) {
  return AxisReader(what, text, low).read();
}

std::vector<op::Operator> expand(std::string_view kind, std::span<const Axis> axes, shape::Dtype dtype) {
  for (std::size_t i = 0; i < axes.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (axes[i].field == axes[j].field)
        throw Error(fmt::format("{} is given twice: join the values with a comma", axes[i].field));
  op::Operator defaults = op::operator_of_kind(kind);
  return distinct(std::visit(
      [&]<class Op>(Op& one) {
        if constexpr (requires { one.dtype; }) one.dtype = dtype;
        return combinations(one, axes);
      },
      defaults));
}

std::vector<op::Operator> distinct(std::span<const op::Operator> ops) {
  std::unordered_set<op::Operator, op::OperatorHash> seen;
  std::vector<op::Operator> once;
  for (const op::Operator& one : ops)
    if (seen.insert(one).second) once.push_back(one);
  return once;
}

}  // namespace gemmetry::measure
