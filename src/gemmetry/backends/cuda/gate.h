#pragma once

#include <cuda_runtime_api.h>

#include "gemmetry/backends/cuda/status.h"

namespace gemmetry::backends::cuda {

/// Holds a stream until the host has enqueued what follows. Without it the device runs dry before the second launch
/// arrives, and the gap is measured as if it were the operator's.
class Gate {
 public:
  Gate() = default;
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  /// The stream stands from here on until open(), or for 20 ms: what the host enqueues meanwhile may
  /// itself have to wait for the device, as the first use of a kernel does.
  Status close(cudaStream_t stream);
  void open();

 private:
  unsigned* word_ = nullptr;  // in host memory that the device reads
  unsigned turn_ = 0;
};

}  // namespace gemmetry::backends::cuda
