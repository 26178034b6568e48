#include <dlfcn.h>

#include <array>
#include <string_view>
#include <utility>

#include "gemmetry/measure/clock_source.h"

// The toolkit has no header for NVML, and the program has to run where there is none of its libraries: what is used of
// it is declared here, as its documented and stable C interface has it.

namespace gemmetry::measure {
namespace {

using Device = struct OpaqueDevice*;
using Result = int;
constexpr Result success = 0;
constexpr unsigned sm_clock = 1;
constexpr unsigned memory_clock = 2;
constexpr unsigned gpu_temperature = 0;

constexpr std::array<std::pair<std::uint64_t, std::string_view>, 8> reason_words{{
    {0x2, "application_clocks"},
    {0x4, "power"},
    {0x8, "hardware"},
    {0x10, "sync_boost"},
    {0x20, "thermal"},
    {0x40, "hardware_thermal"},
    {0x80, "power_brake"},
    {0x100, "display_clocks"},
}};

/// The library and its functions; those that a version lacks stay null.
class Library {
 public:
  Library() : handle_(dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL)) {
    if (!handle_) return;
    find(init, "nvmlInit_v2");
    find(shutdown, "nvmlShutdown");
    find(device_by_uuid, "nvmlDeviceGetHandleByUUID");
    find(clock, "nvmlDeviceGetClockInfo");
    find(max_clock, "nvmlDeviceGetMaxClockInfo");
    find(power, "nvmlDeviceGetPowerUsage");
    find(temperature, "nvmlDeviceGetTemperature");
    find(reasons, "nvmlDeviceGetCurrentClocksEventReasons");
    if (!reasons) find(reasons, "nvmlDeviceGetCurrentClocksThrottleReasons");  // its name before driver 535
    ready_ = init && shutdown && device_by_uuid && init() == success;
  }
  ~Library() {
    if (ready_) shutdown();
    if (handle_) dlclose(handle_);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  bool ready() const { return ready_; }

  Result (*init)() = nullptr;
  Result (*shutdown)() = nullptr;
  Result (*device_by_uuid)(const char*, Device*) = nullptr;
  Result (*clock)(Device, unsigned, unsigned*) = nullptr;
  Result (*max_clock)(Device, unsigned, unsigned*) = nullptr;
  Result (*power)(Device, unsigned*) = nullptr;
  Result (*temperature)(Device, unsigned, unsigned*) = nullptr;
  Result (*reasons)(Device, unsigned long long*) = nullptr;

 private:
  template <class Function>
  void find(Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(handle_, name));
  }

  void* handle_;
  bool ready_ = false;
};

class Nvml : public ClockSource {
 public:
  explicit Nvml(const std::string& uuid) {
    found_ = library_.ready() && library_.device_by_uuid(uuid.c_str(), &device_) == success;
  }

  bool found() const { return found_; }

  ClockSample read() override {
    ClockSample sample;
    sample.clock_mhz = ask(library_.clock, sm_clock);
    sample.memory_clock_mhz = ask(library_.clock, memory_clock);
    sample.temperature_c = ask(library_.temperature, gpu_temperature);
    unsigned milliwatts = 0;
    if (library_.power && library_.power(device_, &milliwatts) == success) sample.power_w = milliwatts / 1e3;
    unsigned long long reasons = 0;
    if (library_.reasons && library_.reasons(device_, &reasons) == success) sample.throttle = reasons;
    return sample;
  }

  std::optional<double> max_clock_mhz() override { return ask(library_.max_clock, sm_clock); }

 private:
  std::optional<double> ask(Result (*function)(Device, unsigned, unsigned*), unsigned which) const {
    unsigned value = 0;
    if (!function || function(device_, which, &value) != success) return std::nullopt;
    return value;
  }

  Library library_;
  Device device_ = nullptr;
  bool found_ = false;
};

}  // namespace

std::unique_ptr<ClockSource> open_nvml(const std::string& uuid) {
  if (uuid.empty()) return nullptr;
  auto nvml = std::make_unique<Nvml>(uuid);
  if (!nvml->found()) return nullptr;
  return nvml;
}

std::string throttle_words(std::uint64_t reasons) {
  std::string words;
  for (const auto& [bit, word] : reason_words)
    if (reasons & bit) {
      if (!words.empty()) words += '+';
      words += word;
    }
  return words;
}

}  // namespace gemmetry::measure
