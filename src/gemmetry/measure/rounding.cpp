#include "gemmetry/measure/rounding.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace gemmetry::measure {
namespace {

/// A floating-point format with a sign bit, exponents from `least` (that of its subnormals) and `fraction` bits.
struct Format {
  int fraction;
  int least;
};

constexpr Format fp32_format{23, -126};
constexpr Format bf16_format{7, -126};
constexpr Format fp16_format{10, -14};
constexpr Format e4m3_format{3, -6};

Format format_of(Element element) {
  switch (element) {
    case Element::bf16:
      return bf16_format;
    case Element::fp16:
      return fp16_format;
    case Element::fp8:
      return e4m3_format;
    default:
      return fp32_format;
  }
}

/// The magnitude of `value`, finite, in the format's bits, as if its exponents never ended.
std::uint32_t narrow(float value, Format format) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value) & 0x7fffffffu;
  const int exponent = std::max(static_cast<int>(bits >> 23) - 127, -126);
  const std::uint32_t significand = (bits & 0x7fffffu) | (bits >> 23 == 0 ? 0 : 0x800000u);
  const int base = std::max(exponent, format.least);
  const int dropped = std::min(23 - format.fraction + base - exponent, 31);
  const std::uint32_t kept = significand >> dropped;
  const std::uint32_t rest = significand & ((1u << dropped) - 1);
  const std::uint32_t half = 1u << (dropped - 1);
  const std::uint32_t up = rest > half || (rest == half && (kept & 1)) ? 1 : 0;
  // A carry out of the fraction runs into the exponent, which is what rounding up to the next power of two means.
  return (static_cast<std::uint32_t>(base - format.least) << format.fraction) + kept + up;
}

float widen(std::uint32_t magnitude, Format format) {
  const std::uint32_t exponent = magnitude >> format.fraction;
  const std::uint32_t fraction = magnitude & ((1u << format.fraction) - 1);
  const std::uint32_t significand = exponent == 0 ? fraction : fraction | (1u << format.fraction);
  const int shift = static_cast<int>(std::max(exponent, 1u)) - 1 + format.least - format.fraction;
  const float scale = std::bit_cast<float>(static_cast<std::uint32_t>(shift + 127) << 23);  // 2^shift
  return static_cast<float>(significand) * scale;
}

float signed_as(float magnitude, bool negative) { return negative ? -magnitude : magnitude; }

std::array<float, 256> all_of_e4m3() {
  std::array<float, 256> values{};
  for (unsigned bits = 0; bits < 256; ++bits) {
    const bool nan = (bits & 0x7f) == 0x7f;
    values[bits] = nan ? std::nanf("") : signed_as(widen(bits & 0x7f, e4m3_format), bits & 0x80);
  }
  return values;
}

}  // namespace

std::uint16_t fp16_from_float(float value) {
  const std::uint32_t sign = std::signbit(value) ? 0x8000u : 0;
  if (std::isnan(value)) return static_cast<std::uint16_t>(sign | 0x7e00u);
  const std::uint32_t magnitude = std::isinf(value) ? 0x7c00u : std::min(narrow(value, fp16_format), 0x7c00u);
  return static_cast<std::uint16_t>(sign | magnitude);
}

float float_from_fp16(std::uint16_t bits) {
  const std::uint32_t magnitude = bits & 0x7fffu;
  const bool negative = bits & 0x8000u;
  if (magnitude > 0x7c00u) return std::nanf("");
  if (magnitude == 0x7c00u) return signed_as(INFINITY, negative);
  return signed_as(widen(magnitude, fp16_format), negative);
}

std::uint8_t e4m3_from_float(float value) {
  const std::uint32_t sign = std::signbit(value) ? 0x80u : 0;
  if (std::isnan(value)) return static_cast<std::uint8_t>(sign | 0x7fu);
  const std::uint32_t magnitude = std::isinf(value) ? 0x7eu : std::min(narrow(value, e4m3_format), 0x7eu);
  return static_cast<std::uint8_t>(sign | magnitude);
}

float float_from_e4m3(std::uint8_t bits) {
  static const std::array<float, 256> values = all_of_e4m3();
  return values[bits];
}

float load(Element element, const void* buffer, std::int64_t index) {
  switch (element) {
    case Element::fp32:
      return static_cast<const float*>(buffer)[index];
    case Element::bf16:
      return float_from_bf16(static_cast<const std::uint16_t*>(buffer)[index]);
    case Element::fp16:
      return float_from_fp16(static_cast<const std::uint16_t*>(buffer)[index]);
    case Element::fp8:
      return float_from_e4m3(static_cast<const std::uint8_t*>(buffer)[index]);
    case Element::int32:
      return static_cast<float>(static_cast<const std::int32_t*>(buffer)[index]);
    case Element::byte:
      return static_cast<const std::uint8_t*>(buffer)[index];
  }
  return 0;
}

void store(Element element, void* buffer, std::int64_t index, float value) {
  switch (element) {
    case Element::fp32:
      static_cast<float*>(buffer)[index] = value;
      break;
    case Element::bf16:
      static_cast<std::uint16_t*>(buffer)[index] = bf16_from_float(value);
      break;
    case Element::fp16:
      static_cast<std::uint16_t*>(buffer)[index] = fp16_from_float(value);
      break;
    case Element::fp8:
      static_cast<std::uint8_t*>(buffer)[index] = e4m3_from_float(value);
      break;
    case Element::int32:
      static_cast<std::int32_t*>(buffer)[index] = static_cast<std::int32_t>(value);
      break;
    case Element::byte:
      static_cast<std::uint8_t*>(buffer)[index] = static_cast<std::uint8_t>(value);
      break;
  }
}

float rounded(Element element, float value) {
  std::uint32_t bits = 0;
  store(element, &bits, 0, value);
  return load(element, &bits, 0);
}

double half_ulp(Element element, double magnitude) {
  if (element == Element::int32 || element == Element::byte) return 0;
  const Format format = format_of(element);
  const int exponent = magnitude == 0 ? format.least : std::max(std::ilogb(magnitude), format.least);
  return std::ldexp(1.0, exponent - format.fraction - 1);
}

}  // namespace gemmetry::measure
