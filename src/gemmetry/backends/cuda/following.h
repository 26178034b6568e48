#pragma once

#include <cuda_runtime_api.h>

// Two kernels one of which follows the other: from Hopper on the second is brought to the SMs while the first ends.

namespace gemmetry::backends::cuda {

/// In the first: the second's blocks may start once all of its blocks have come here.
__device__ inline void let_next_begin() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

/// In the second, before it reads what the first wrote.
__device__ inline void wait_for_previous() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/// How the second is launched.
class Following {
 public:
  Following(dim3 blocks, dim3 threads, cudaStream_t stream) {
    int device = 0;
    int major = 0;
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
    early_.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    early_.val.programmaticStreamSerializationAllowed = 1;
    config_.gridDim = blocks;
    config_.blockDim = threads;
    config_.stream = stream;
    config_.attrs = &early_;
    config_.numAttrs = major >= 9 ? 1 : 0;
  }
  Following(const Following&) = delete;
  Following& operator=(const Following&) = delete;

  const cudaLaunchConfig_t* config() const { return &config_; }

 private:
  cudaLaunchAttribute early_{};
  cudaLaunchConfig_t config_{};
};

}  // namespace gemmetry::backends::cuda
