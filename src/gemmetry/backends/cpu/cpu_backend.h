#pragma once

#include <cstdint>
#include <unordered_map>

#include "gemmetry/measure/backend.h"

namespace gemmetry::backends::cpu {

/// This machine's processor as a device: products by OpenBLAS, all else by plain loops in fp32, and narrower elements
/// rounded as a GPU's kernels would. Its times are those of the host's clock, so it is for trying things out, not for
/// comparing with GPUs.
class CpuBackend : public measure::Backend {
 public:
  /// Buffers may take nine tenths of the memory that is available by now.
  CpuBackend();
  ~CpuBackend() override;

  measure::Status describe(measure::DeviceInfo& info) noexcept override;
  measure::Status allocate(std::int64_t bytes, void** buffer) noexcept override;
  void release(void* buffer) noexcept override;
  measure::Status fill(void* buffer, const measure::Operand& operand, std::uint64_t seed) noexcept override;
  measure::Status read(const void* buffer, measure::Element element, const std::int64_t* indices, std::int64_t count,
                       double* values) noexcept override;
  measure::Status plan(const op::Operator& op, const char* algorithm_key, measure::Plan** plan) noexcept override;
  measure::Status algorithms(const op::Operator& op, measure::AlgorithmInfo* infos, std::int32_t capacity,
                             std::int32_t* found) noexcept override;
  measure::Status prepare(const measure::Call& call) noexcept override;
  measure::Status run(const measure::Call* calls, std::int32_t count) noexcept override;
  measure::Status record(const measure::Call* calls, std::int32_t count, measure::Replay replay,
                         measure::Recording** recording) noexcept override;
  measure::Status time(measure::Recording* recording, std::int32_t replays, double* times_s) noexcept override;
  measure::Status write(void* buffer, const void* from, std::int64_t bytes) noexcept override;
  measure::Status plan_kernel(const measure::Kernel& kernel, const char* algorithm_key,
                              measure::Plan** plan) noexcept override;
  measure::Status replay(measure::Recording* recording, std::int32_t replays) noexcept override;
  measure::Status time_each(const measure::Call* calls, std::int32_t count, double* times_s) noexcept override;

 private:
  std::unordered_map<void*, std::int64_t> buffers_;  ///< with their bytes
  std::int64_t allocated_bytes_ = 0;
  std::int64_t limit_bytes_ = 0;
};

}  // namespace gemmetry::backends::cpu
