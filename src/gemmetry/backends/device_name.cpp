#include "gemmetry/backends/device_name.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "gemmetry/base/error.h"
#include "gemmetry/base/suggest.h"

namespace gemmetry::backends {
namespace {

constexpr std::array<std::pair<std::string_view, DeviceKind>, 4> kinds{{{"cpu", DeviceKind::cpu},
                                                                        {"cuda", DeviceKind::cuda},
                                                                        {"recorded", DeviceKind::recorded},
                                                                        {"predict", DeviceKind::predicted}}};

[[noreturn]] void refuse(const std::string& text) {
  std::array<std::string, kinds.size()> words;
  for (std::size_t i = 0; i < kinds.size(); ++i) words[i] = kinds[i].first;
  throw Error(fmt::format("device '{}' is unknown: use cpu, cuda, cuda:1 for the second, or recorded:GPU{}", text,
                          did_you_mean(text.substr(0, text.find(':')), words)));
}

std::int32_t index_of(const std::string& text, std::string_view digits) {
  std::int32_t index = -1;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size() || index < 0)
    throw Error(fmt::format("device '{}': '{}' is no index; use cuda:0, cuda:1, ...", text, digits));
  return index;
}

}  // namespace

DeviceName DeviceName::from(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string word = text.substr(0, colon);
  for (const auto& [known, kind] : kinds) {
    if (word != known) continue;
    const std::string rest = colon == std::string::npos ? "" : text.substr(colon + 1);
    DeviceName device{.kind = kind};
    if (kind == DeviceKind::cpu) {
      if (colon != std::string::npos) refuse(text);
    } else if (kind == DeviceKind::cuda) {
      if (colon != std::string::npos) device.index = index_of(text, rest);
    } else {
      if (rest.empty()) throw Error(fmt::format("device '{}': names no GPU; write it as in {}:h200", text, word));
      device.gpu = rest;
    }
    return device;
  }
  refuse(text);
}

std::string name(const DeviceName& device) {
  std::string text;
  for (const auto& [known, kind] : kinds)
    if (kind == device.kind) text = known;
  if (device.index) text += fmt::format(":{}", *device.index);
  if (!device.gpu.empty()) text += ":" + device.gpu;
  return text;
}

}  // namespace gemmetry::backends
