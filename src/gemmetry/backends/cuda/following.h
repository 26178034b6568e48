#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "gemmetry/backends/cuda/status.h"

// Kernels one of which follows the other: from Hopper on the second is brought to the SMs while the first still runs.
//
// A decoding step is a long chain of short kernels, so that what counts is the gap between them. In such a chain every
// block of every kernel waits for the one before it, which has then ended as a whole and, having waited itself, all
// before that: nobody reads what is not written yet, or writes what an earlier kernel still reads. Before it waits, a
// kernel touches nothing but what no kernel of the chain writes (weights).

namespace gemmetry::backends::cuda {

/// In the first: the second's blocks may start once all of its blocks have come here. Safe anywhere, as the second
/// waits for the first's end.
__device__ inline void let_next_begin() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

/// In the second, in every block, before it reads or writes what other kernels write or read. Returns at once where
/// nothing runs before, and where the kernel was launched without Following.
__device__ inline void wait_for_previous() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/// Whether this GPU can bring kernels early, and launch clusters of blocks, and the kernels were compiled so that they
/// do.
inline bool has_clusters() {
  constexpr int compiled_for[] = {__CUDA_ARCH_LIST__};
  bool compiled = false;
  for (const int arch : compiled_for) compiled = compiled || arch >= 900;
  if (!compiled) return false;
  int device = 0;
  int major = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
  return major >= 9;
}

/// What of an SM's memory is first-level cache. To cut it anew the SM must have become empty, so that the short kernels
/// of a chain all have the same cut; those that move much leave it to the driver, as their loads wait in that cache.
enum class Cut { same, any };

/// How the second is launched.
class Following {
 public:
  /// `cluster`: blocks in a row that see each other's shared memory; more than 1 from Hopper on.
  Following(dim3 blocks, dim3 threads, cudaStream_t stream, [[maybe_unused]] Cut cut = Cut::same,
            std::size_t shared_bytes = 0, unsigned cluster = 1) {
    if (has_clusters()) {
      cudaLaunchAttribute& early = add(cudaLaunchAttributeProgrammaticStreamSerialization);
      early.val.programmaticStreamSerializationAllowed = 1;
#if CUDART_VERSION >= 12080
      if (cut == Cut::same) {
        cudaLaunchAttribute& shared = add(cudaLaunchAttributePreferredSharedMemoryCarveout);
        shared.val.sharedMemCarveout = cudaSharedmemCarveoutMaxShared;
      }
#endif
      if (cluster > 1) {
        cudaLaunchAttribute& together = add(cudaLaunchAttributeClusterDimension);
        together.val.clusterDim.x = cluster;
        together.val.clusterDim.y = 1;
        together.val.clusterDim.z = 1;
      }
    }
    config_.gridDim = blocks;
    config_.blockDim = threads;
    config_.dynamicSmemBytes = shared_bytes;
    config_.stream = stream;
    config_.attrs = attributes_;
  }
  Following(const Following&) = delete;
  Following& operator=(const Following&) = delete;

  const cudaLaunchConfig_t* config() const { return &config_; }

 private:
  cudaLaunchAttribute& add(cudaLaunchAttributeID id) {
    cudaLaunchAttribute& attribute = attributes_[config_.numAttrs++];
    attribute.id = id;
    return attribute;
  }

  cudaLaunchAttribute attributes_[3]{};
  cudaLaunchConfig_t config_{};
};

/// Launches a kernel that waits in every block for the one before it.
template <typename... Parameters, typename... Arguments>
Status launch_following(const Following& how, const char* doing, void (*kernel)(Parameters...),
                        const Arguments&... arguments) {
  return check(cudaLaunchKernelEx(how.config(), kernel, Parameters(arguments)...), doing);
}

}  // namespace gemmetry::backends::cuda
