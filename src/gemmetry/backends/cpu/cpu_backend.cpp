#include "gemmetry/backends/cpu/cpu_backend.h"

#include <cblas.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "gemmetry/backends/cpu/cpu_plan.h"
#include "gemmetry/backends/cpu/host.h"
#include "gemmetry/backends/cpu/kernel_plan.h"
#include "gemmetry/backends/cpu/operator_plan.h"
#include "gemmetry/backends/cpu/status.h"
#include "gemmetry/measure/fill_value.h"
#include "gemmetry/measure/rounding.h"

namespace gemmetry::backends::cpu {
namespace {

using measure::Call;
using measure::Status;
using measure::StatusCode;

const CpuPlan& plan_of(const Call& call) { return static_cast<const CpuPlan&>(*call.plan); }

/// Calls with their own copy of the buffers' list.
class CpuRecording : public measure::Recording {
 public:
  CpuRecording(const Call* calls, std::int32_t count) {
    for (std::int32_t i = 0; i < count; ++i) {
      const CpuPlan& plan = plan_of(calls[i]);
      calls_.push_back({&plan, {calls[i].operands, calls[i].operands + plan.operand_count()}, calls[i].workspace});
    }
  }
  void run() const {
    for (const Recorded& call : calls_) call.plan->run(call.operands.data(), call.workspace);
  }

 private:
  struct Recorded {
    const CpuPlan* plan;
    std::vector<void*> operands;
    void* workspace;
  };
  std::vector<Recorded> calls_;
};

/// Nothing may be thrown across the interface.
template <class Work>
Status guarded(Work work) {
  try {
    work();
    return {};
  } catch (const std::bad_alloc&) {
    return status(StatusCode::out_of_memory, "the host's memory is too small for the kernel's own arrays");
  } catch (const std::exception& error) {
    return status(StatusCode::failed, error.what());
  }
}

template <class Work>
double seconds(Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// "OpenBLAS 0.3.21": the first two words of what it says of itself.
std::string openblas_version() {
  std::istringstream words(openblas_get_config());
  std::string name;
  std::string version;
  words >> name >> version;
  return name + " " + version;
}

}  // namespace

CpuBackend::CpuBackend() : limit_bytes_(memory().available_bytes / 10 * 9) {}

CpuBackend::~CpuBackend() {
  for (const auto& [buffer, bytes] : buffers_) std::free(buffer);
}

Status CpuBackend::describe(measure::DeviceInfo& info) noexcept {
  return guarded([&] {
    info = {};
    put(info.backend, "cpu");
    put(info.name, processor_name());
    put(info.products, openblas_version());
    info.sms = static_cast<std::int32_t>(std::thread::hardware_concurrency());
    info.memory_bytes = memory().total_bytes;
    info.free_bytes = limit_bytes_ - allocated_bytes_;
    info.l2_bytes = cache_bytes();
    info.clock_hz = clock_hz();
  });
}

Status CpuBackend::allocate(std::int64_t bytes, void** buffer) noexcept {
  constexpr std::int64_t alignment = 256;
  *buffer = nullptr;
  if (bytes < 0) return status(StatusCode::failed, fmt::format("a buffer of {} bytes", bytes));
  // The kernel grants what it does not have and then kills whoever writes to it: what was granted here counts as used.
  const std::int64_t left = limit_bytes_ - allocated_bytes_;
  if (bytes > left)
    return status(StatusCode::out_of_memory,
                  fmt::format("{:.2f} GiB are wanted, {:.2f} GiB of memory are left",
                              static_cast<double>(bytes) / (1 << 30), static_cast<double>(left) / (1 << 30)));
  return guarded([&] {
    const std::int64_t padded = (std::max<std::int64_t>(bytes, 1) + alignment - 1) / alignment * alignment;
    void* memory = std::aligned_alloc(alignment, static_cast<std::size_t>(padded));
    if (!memory) throw std::bad_alloc();
    try {
      buffers_[memory] = bytes;
    } catch (...) {
      std::free(memory);
      throw;
    }
    allocated_bytes_ += bytes;
    *buffer = memory;
  });
}

void CpuBackend::release(void* buffer) noexcept {
  const auto found = buffers_.find(buffer);
  if (found == buffers_.end()) return;
  allocated_bytes_ -= found->second;
  buffers_.erase(found);
  std::free(buffer);
}

Status CpuBackend::fill(void* buffer, const measure::Operand& operand, std::uint64_t seed) noexcept {
  return guarded([&] {
    const bool poison = operand.fill == measure::Fill::none || operand.fill == measure::Fill::forward;
    if (poison) {
      std::memset(buffer, 0xff, static_cast<std::size_t>(operand.bytes()));
    } else if (operand.element == measure::Element::int32) {
      for (std::int64_t i = 0; i < operand.elements(); ++i)
        static_cast<std::int32_t*>(buffer)[i] =
            measure::random_index(seed, static_cast<std::uint64_t>(i), operand.limit);
    } else {
      for (std::int64_t i = 0; i < operand.elements(); ++i)
        measure::store(operand.element, buffer, i, static_cast<float>(measure::fill_value(operand, seed, i)));
    }
  });
}

Status CpuBackend::read(const void* buffer, measure::Element element, const std::int64_t* indices, std::int64_t count,
                        double* values) noexcept {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t index = indices ? indices[i] : i;
    // Whole numbers of 32 bits do not fit into fp32.
    values[i] = element == measure::Element::int32 ? static_cast<const std::int32_t*>(buffer)[index]
                                                   : static_cast<double>(measure::load(element, buffer, index));
  }
  return {};
}

Status CpuBackend::plan(const op::Operator& op, const char* algorithm_key, measure::Plan** plan) noexcept {
  *plan = nullptr;
  Status refused;
  const Status caught = guarded([&] {
    refused = status(StatusCode::unsupported, fmt::format("algorithm '{}' is none of the CPU's for {}",
                                                          algorithm_key ? algorithm_key : "", op::kind(op)));
    const std::vector<Multiplier> choices = multipliers(op);
    for (const Multiplier choice : choices) {
      if (algorithm_key && std::strcmp(algorithm_key, key_of(choice)) != 0) continue;
      refused = supports(op, choice);
      if (refused.ok()) *plan = new OperatorPlan(op, choice);
      if (refused.ok() || algorithm_key) return;
    }
  });
  return caught.ok() ? refused : caught;
}

Status CpuBackend::algorithms(const op::Operator& op, measure::AlgorithmInfo* infos, std::int32_t capacity,
                              std::int32_t* found) noexcept {
  *found = 0;
  Status last;
  const Status caught = guarded([&] {
    const std::vector<Multiplier> choices = multipliers(op);
    for (const Multiplier choice : choices) {
      last = supports(op, choice);
      if (last.ok() && *found < capacity) infos[(*found)++] = OperatorPlan(op, choice).algorithm();
    }
  });
  if (!caught.ok()) return caught;
  return *found > 0 ? Status{} : last;
}

Status CpuBackend::prepare(const Call& call) noexcept {
  return guarded([&] { plan_of(call).prepare(call.operands, call.workspace); });
}

Status CpuBackend::run(const Call* calls, std::int32_t count) noexcept {
  return guarded([&] {
    for (std::int32_t i = 0; i < count; ++i) plan_of(calls[i]).run(calls[i].operands, calls[i].workspace);
  });
}

Status CpuBackend::record(const Call* calls, std::int32_t count, measure::Replay,
                          measure::Recording** recording) noexcept {
  *recording = nullptr;
  return guarded([&] { *recording = new CpuRecording(calls, count); });
}

Status CpuBackend::time(measure::Recording* recording, std::int32_t replays, double* times_s) noexcept {
  return guarded([&] {
    for (std::int32_t i = 0; i < replays; ++i)
      times_s[i] = seconds([&] { static_cast<const CpuRecording*>(recording)->run(); });
  });
}

Status CpuBackend::write(void* buffer, const void* from, std::int64_t bytes) noexcept {
  if (bytes > 0) std::memcpy(buffer, from, static_cast<std::size_t>(bytes));
  return {};
}

Status CpuBackend::plan_kernel(const measure::Kernel& kernel, const char* algorithm_key,
                               measure::Plan** plan) noexcept {
  *plan = nullptr;
  Status refused;
  const Status caught = guarded([&] { refused = make_kernel_plan(kernel, algorithm_key, plan); });
  return caught.ok() ? refused : caught;
}

Status CpuBackend::replay(measure::Recording* recording, std::int32_t replays) noexcept {
  return guarded([&] {
    for (std::int32_t i = 0; i < replays; ++i) static_cast<const CpuRecording*>(recording)->run();
  });
}

Status CpuBackend::time_each(const Call* calls, std::int32_t count, double* times_s) noexcept {
  return guarded([&] {
    for (std::int32_t i = 0; i < count; ++i)
      times_s[i] = seconds([&] { plan_of(calls[i]).run(calls[i].operands, calls[i].workspace); });
  });
}

}  // namespace gemmetry::backends::cpu
