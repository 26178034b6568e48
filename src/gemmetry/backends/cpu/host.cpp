#include "gemmetry/backends/cpu/host.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

namespace gemmetry::backends::cpu {
namespace {

/// What follows "key :" on the first such line.
std::optional<std::string> value_of(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, key.size(), key) != 0) continue;
    const std::size_t colon = line.find(':');
    const std::size_t begin = colon == std::string::npos ? colon : line.find_first_not_of(" \t", colon + 1);
    if (begin != std::string::npos) return line.substr(begin);
  }
  return std::nullopt;
}

template <class Number>
std::optional<Number> number_in(const std::string& text) {
  std::istringstream stream(text);
  Number number{};
  if (stream >> number) return number;
  return std::nullopt;
}

/// A file that holds one number and nothing else.
template <class Number>
std::optional<Number> number_at(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  std::getline(file, text);
  return number_in<Number>(text);
}

std::int64_t meminfo_bytes(const std::string& key) {
  const std::optional<std::string> value = value_of("/proc/meminfo", key);
  return value ? number_in<std::int64_t>(*value).value_or(0) * 1024 : 0;
}

/// What the control group leaves, in version 2 or 1 of its files.
std::int64_t group_bytes() {
  const std::string root = "/sys/fs/cgroup/";
  for (const auto& [limit, used] : {std::pair{"memory.max", "memory.current"},
                                    std::pair{"memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"}}) {
    const auto most = number_at<std::int64_t>(root + limit);
    const auto now = number_at<std::int64_t>(root + used);
    if (most && now) return std::max<std::int64_t>(*most - *now, 0);
  }
  return std::numeric_limits<std::int64_t>::max();
}

}  // namespace

std::string processor_name() { return value_of("/proc/cpuinfo", "model name").value_or("CPU"); }

double clock_hz() {
  if (const auto khz = number_at<double>("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")) return *khz * 1e3;
  const std::optional<std::string> mhz = value_of("/proc/cpuinfo", "cpu MHz");
  return mhz ? number_in<double>(*mhz).value_or(0) * 1e6 : 0;
}

std::int64_t cache_bytes() {
  long bytes = 0;
  for (const int level : {_SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE, _SC_LEVEL4_CACHE_SIZE})
    bytes = std::max(bytes, sysconf(level));
  return bytes;
}

Memory memory() { return {meminfo_bytes("MemTotal"), std::min(meminfo_bytes("MemAvailable"), group_bytes())}; }

}  // namespace gemmetry::backends::cpu
