#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <vector>

#include "gemmetry/backends/cuda/gate.h"
#include "gemmetry/backends/cuda/recording.h"

namespace gemmetry::backends::cuda {

/// Times replays by events between them, which are kept for the next time.
class Stopwatch {
 public:
  Stopwatch() = default;
  ~Stopwatch();
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

  /// As Backend::time.
  Status time(const CudaRecording& recording, std::int32_t replays, cudaStream_t stream, double* times_s);

  /// As Backend::time_each.
  Status time_each(const measure::Call* calls, std::int32_t count, cudaStream_t stream, double* times_s);

 private:
  Status enqueue(const CudaRecording& recording, std::int32_t replays, cudaStream_t stream);

  Status make_events(std::size_t count);
  Status read(std::int32_t count, double* times_s) const;
  Status enqueue_each(const measure::Call* calls, std::int32_t count, cudaStream_t stream);

  std::vector<cudaEvent_t> events_;
  Gate gate_;
};

}  // namespace gemmetry::backends::cuda
