#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <memory>

#include "gemmetry/backends/cuda/attention_plan.h"
#include "gemmetry/backends/cuda/libraries.h"
#include "gemmetry/backends/cuda/memory_pool.h"
#include "gemmetry/backends/cuda/stopwatch.h"
#include "gemmetry/measure/backend.h"

namespace gemmetry::backends::cuda {

/// A stream of its own, which waits for no other.
class Stream {
 public:
  Stream() = default;
  ~Stream() {
    if (stream_ != nullptr) cudaStreamDestroy(stream_);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  cudaError_t open() { return cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking); }
  cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

/// One NVIDIA GPU: products by cuBLASLt and cuBLAS, attention by cuDNN, everything else by own kernels.
class CudaBackend final : public measure::Backend {
 public:
  /// Null and a status that names the reason where the device cannot be used.
  static Status open(std::int32_t device, std::unique_ptr<CudaBackend>* backend);
  ~CudaBackend() override;

  Status describe(measure::DeviceInfo& info) noexcept override;
  Status allocate(std::int64_t bytes, void** buffer) noexcept override;
  void release(void* buffer) noexcept override;
  Status fill(void* buffer, const measure::Operand& operand, std::uint64_t seed) noexcept override;
  Status read(const void* buffer, measure::Element element, const std::int64_t* indices, std::int64_t count,
              double* values) noexcept override;
  Status plan(const op::Operator& op, const char* algorithm_key, measure::Plan** plan) noexcept override;
  Status algorithms(const op::Operator& op, measure::AlgorithmInfo* infos, std::int32_t capacity,
                    std::int32_t* found) noexcept override;
  Status prepare(const measure::Call& call) noexcept override;
  Status run(const measure::Call* calls, std::int32_t count) noexcept override;
  Status record(const measure::Call* calls, std::int32_t count, measure::Replay replay,
                measure::Recording** recording) noexcept override;
  Status time(measure::Recording* recording, std::int32_t replays, double* times_s) noexcept override;
  Status write(void* buffer, const void* from, std::int64_t bytes) noexcept override;
  Status plan_kernel(const measure::Kernel& kernel, const char* algorithm_key, measure::Plan** plan) noexcept override;
  Status replay(measure::Recording* recording, std::int32_t replays) noexcept override;
  Status time_each(const measure::Call* calls, std::int32_t count, double* times_s) noexcept override;

 private:
  CudaBackend(std::int32_t device, std::int32_t compute_major, std::int32_t sms)
      : device_(device), libraries_(compute_major, sms), attention_(libraries_) {}

  template <class Body>
  Status guarded(Body body) noexcept;
  Status read_few(const std::int32_t* buffer, std::int64_t count, double* values);
  Status make_plan(const op::Operator& op, const char* key, std::unique_ptr<CudaPlan>* plan);
  Status wait(const char* doing) noexcept;

  std::int32_t device_;
  Stream stream_;
  MemoryPool pool_;
  Libraries libraries_;
  AttentionPlanner attention_;
  Stopwatch stopwatch_;
};

}  // namespace gemmetry::backends::cuda
