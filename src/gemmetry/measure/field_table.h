#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "gemmetry/base/text_value.h"

namespace gemmetry::measure {

/// What a record has in a field: nothing where the field does not apply, null where nobody knows.
using FieldValue =
    std::variant<std::monostate, std::nullptr_t, bool, std::int64_t, double, std::string, std::vector<double>>;

/// The value as `set` takes it; numbers read back exactly.
std::string text_of(const FieldValue& value);

/// One entry of the field table of a kind of records. Columns of the database and of CSV and keys of JSON all come from
/// it.
template <class R>
struct FieldOf {
  std::string key;  ///< dots nest in JSON
  std::function<FieldValue(const R&)> get;
  /// Sets the field from the text that its value has in CSV; an empty text leaves it unset. Error naming key, text and
  /// what is expected.
  std::function<void(R&, const std::string& text)> set;
};

/// Makes fields of records of one kind. `place(record)` is the member that a field stands for.
template <class R>
struct FieldMaker {
  using Field = FieldOf<R>;

  /// The place in a record, const or not: at(&Record::device, &DeviceInfo::gpu).
  template <class... Members>
  static auto at(Members... members) {
    return [=](auto& record) -> auto& { return (record.*....*members); };
  }

  template <class Place>
  static Field whole_field(const char* key, Place place, std::int64_t low) {
    using Number = std::remove_cvref_t<decltype(place(std::declval<R&>()))>;
    return {key, [place](const R& record) { return FieldValue(std::int64_t{place(record)}); },
            [=](R& record, const std::string& text) {
              if (text.empty()) return;
              const std::int64_t value = whole_number(key, text, low);
              if (value > std::numeric_limits<Number>::max()) refuse_text(key, text, "a smaller number");
              place(record) = static_cast<Number>(value);
            }};
  }

  static FieldValue finite(double value) { return std::isfinite(value) ? FieldValue(value) : FieldValue(nullptr); }

  template <class Place>
  static Field number_field(const char* key, Place place) {
    return {key, [place](const R& record) { return finite(place(record)); },
            [=](R& record, const std::string& text) {
              if (!text.empty()) place(record) = number(key, text);
            }};
  }

  /// Where 0 stands for what the library or the machine does not say.
  template <class Place>
  static Field known_field(const char* key, Place place, std::int64_t low = 0) {
    constexpr bool real = std::is_floating_point_v<std::remove_cvref_t<decltype(place(std::declval<R&>()))>>;
    Field field = [&] {
      if constexpr (real)
        return number_field(key, place);
      else
        return whole_field(key, place, low);
    }();
    field.get = [place, get = field.get](const R& record) {
      return place(record) == 0 ? FieldValue(nullptr) : get(record);
    };
    return field;
  }

  template <class Place>
  static Field optional_field(const char* key, Place place) {
    return {key,
            [place](const R& record) {
              const std::optional<double>& value = place(record);
              return value ? finite(*value) : FieldValue(nullptr);
            },
            [=](R& record, const std::string& text) {
              if (!text.empty()) place(record) = number(key, text);
            }};
  }

  template <class Place>
  static Field text_field(const char* key, Place place) {
    return {key,
            [place](const R& record) {
              std::string text(place(record));
              return text.empty() ? FieldValue(nullptr) : FieldValue(std::move(text));
            },
            [=](R& record, const std::string& text) {
              auto& target = place(record);
              if constexpr (std::is_array_v<std::remove_reference_t<decltype(target)>>) {
                if (text.size() >= sizeof target)
                  refuse_text(key, text, fmt::format("at most {} characters", sizeof target - 1));
                std::memcpy(target, text.c_str(), text.size() + 1);
              } else {
                target = text;
              }
            }};
  }

  /// A field of an enumeration that has `name` and a function from names.
  template <class Place, class Name, class FromName>
  static Field name_field(const char* key, Place place, Name name_of, FromName from_name) {
    return {key, [=](const R& record) { return FieldValue(std::string(name_of(place(record)))); },
            [=](R& record, const std::string& text) {
              if (!text.empty()) place(record) = from_name(text);
            }};
  }
};

}  // namespace gemmetry::measure
