#pragma once

#include <cstdint>

#include "gemmetry/measure/element.h"
#include "gemmetry/measure/kernel.h"
#include "gemmetry/measure/operands.h"
#include "gemmetry/op/operator.h"

// The interface every device stands behind. It is also the boundary to backends that are loaded at run time: only plain
// data crosses it, and nothing throws.

namespace gemmetry::measure {

/// Changes whenever anything in this file, element.h, kernel.h, operands.h or op/operator.h changes.
inline constexpr int backend_abi = 3;

enum class StatusCode {
  ok,
  unsupported,    ///< this device or library cannot do it: a measurement is skipped, with the message as its reason
  out_of_memory,  ///< likewise
  failed,         ///< this operator failed; the device is well
  device_lost,    ///< the device needs a new process
};

/// How a call ended; the message is one line that names thing, value and, where there is one, the fix.
struct [[nodiscard]] Status {
  StatusCode code = StatusCode::ok;
  char message[252] = {};

  bool ok() const { return code == StatusCode::ok; }
};

/// What the machine says it is. Texts are empty and numbers 0 where it does not say.
struct DeviceInfo {
  char backend[16] = {};    ///< "cuda", "cpu"
  char name[64] = {};       ///< "NVIDIA H200"
  char gpu[32] = {};        ///< the catalogue's name, "h200"; empty when it is none of them
  char uuid[48] = {};       ///< as NVML names the device: "GPU-..."
  char driver[32] = {};     ///< "580.159.04"
  char runtime[32] = {};    ///< "CUDA 13.0"
  char products[48] = {};   ///< "cublasLt 13.1.0"
  char attention[48] = {};  ///< "cuDNN 9.19.0"
  std::int32_t sms = 0;
  std::int32_t compute_major = 0;
  std::int32_t compute_minor = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t free_bytes = 0;
  std::int64_t l2_bytes = 0;  ///< the cache that cold measurements have to flush
  double clock_hz = 0;        ///< highest clock
};

/// The algorithm a plan uses. Numbers are 0 where the library does not say.
struct AlgorithmInfo {
  char library[16] = {};  ///< "cublasLt", "cudnn", "openblas", "own"
  char kernel[64] = {};   ///< for people: "66", "sdpa", "norm_forward"
  char key[160] = {};     ///< from which the same version of the library makes the same algorithm again
  std::int32_t id = 0;
  std::int32_t tile_m = 0;
  std::int32_t tile_n = 0;
  std::int32_t stages = 0;
  std::int32_t split_k = 0;  ///< parts of k; -1: the kernel decides itself
  std::int32_t cluster_m = 0;
  std::int32_t cluster_n = 0;
  std::int32_t swizzle = 0;
  double waves = 0;
  std::int64_t workspace_bytes = 0;
};

/// An operator made ready to run with one algorithm. Made by Backend::plan, deleted by whoever asked for it, before the
/// backend.
class Plan {
 public:
  virtual ~Plan() = default;
  virtual const AlgorithmInfo& algorithm() const noexcept = 0;
};

/// A plan on its buffers: a device pointer for each operand, as operands(op) lists them, and
/// algorithm().workspace_bytes bytes of workspace (null where none is needed).
struct Call {
  Plan* plan = nullptr;
  void* const* operands = nullptr;
  void* workspace = nullptr;
};

/// Calls recorded to be run again and again. Deleted before their plans.
class Recording {
 public:
  virtual ~Recording() = default;
};

/// How a recording reaches the device.
enum class Replay {
  graph,   ///< one launch for all calls (a CUDA graph)
  stream,  ///< call by call from the host
};

/// A device. Not safe to use from several threads. All buffers and work belong to one stream, in order.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual Status describe(DeviceInfo& info) noexcept = 0;

  /// `bytes` of device memory, aligned to 256 bytes.
  virtual Status allocate(std::int64_t bytes, void** buffer) noexcept = 0;
  virtual void release(void* buffer) noexcept = 0;

  /// Fills an operand as its `fill` says, from random_data.h with this seed; Fill::none and Fill::forward: with a
  /// pattern that reads as NaN or as an impossible number.
  virtual Status fill(void* buffer, const Operand& operand, std::uint64_t seed) noexcept = 0;

  /// Copies elements to the host as float64: those at `indices`, or the first `count` when it is null.
  virtual Status read(const void* buffer, Element element, const std::int64_t* indices, std::int64_t count,
                      double* values) noexcept = 0;

  /// Plans the operator with the library's first choice, or with the algorithm whose key is given (null: first choice).
  virtual Status plan(const op::Operator& op, const char* algorithm_key, Plan** plan) noexcept = 0;

  /// Every algorithm the library proposes for the operator, its first choice first; `found` at most `capacity`.
  virtual Status algorithms(const op::Operator& op, AlgorithmInfo* infos, std::int32_t capacity,
                            std::int32_t* found) noexcept = 0;

  /// Makes the operands with Fill::forward from the others, as the forward pass would have left them.
  virtual Status prepare(const Call& call) noexcept = 0;

  /// Runs the calls in order and waits for them.
  virtual Status run(const Call* calls, std::int32_t count) noexcept = 0;

  virtual Status record(const Call* calls, std::int32_t count, Replay replay, Recording** recording) noexcept = 0;

  /// Replays the recording `replays` times without a gap and gives the device's time of each, in seconds.
  virtual Status time(Recording* recording, std::int32_t replays, double* times_s) noexcept = 0;

  // What running a model needs beside: a backend that only measures operators leaves it out.

  /// Copies from the host, after all work so far; `from` may change when it returns.
  virtual Status write(void* buffer, const void* from, std::int64_t bytes) noexcept;

  /// Plans a kernel, a product or attention with the algorithm whose key is given (null: the library's first choice). A
  /// call of the plan has the operands that the kernel's struct lists.
  virtual Status plan_kernel(const Kernel& kernel, const char* algorithm_key, Plan** plan) noexcept;

  /// Replays the recording without timing it, and waits.
  virtual Status replay(Recording* recording, std::int32_t replays) noexcept;

  /// Runs the calls in order and gives the device's time of each, in seconds, the gap before it included.
  virtual Status time_each(const Call* calls, std::int32_t count, double* times_s) noexcept;
};

namespace detail {
/// Of a call that a backend leaves out.
inline Status left_out() noexcept {
  return {StatusCode::unsupported, "this backend measures operators; it does not run models"};
}
}  // namespace detail

inline Status Backend::write(void*, const void*, std::int64_t) noexcept { return detail::left_out(); }
inline Status Backend::plan_kernel(const Kernel&, const char*, Plan**) noexcept { return detail::left_out(); }
inline Status Backend::replay(Recording*, std::int32_t) noexcept { return detail::left_out(); }
inline Status Backend::time_each(const Call*, std::int32_t, double*) noexcept { return detail::left_out(); }

/// What a loaded backend is asked for.
struct OpenRequest {
  int abi = backend_abi;
  std::int32_t operator_bytes = sizeof(op::Operator);  ///< both sides must have been built from the same operators
  std::int32_t kernel_bytes = sizeof(Kernel);          ///< and kernels
  std::int32_t device = 0;                             ///< index of the device
};

/// The only symbol a backend's shared object exports, by the name below. Null and a status that is not ok when there is
/// no such device.
using OpenBackend = Backend* (*)(const OpenRequest* request, Status* status) noexcept;
inline constexpr const char* open_backend_symbol = "gemmetry_open_backend";

}  // namespace gemmetry::measure
