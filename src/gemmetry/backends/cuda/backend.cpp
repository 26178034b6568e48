#include "gemmetry/backends/cuda/backend.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>
#include <variant>
#include <vector>

#include "gemmetry/backends/cuda/buffers.h"
#include "gemmetry/backends/cuda/device.h"
#include "gemmetry/backends/cuda/gemm_plan.h"
#include "gemmetry/backends/cuda/grouped_plan.h"
#include "gemmetry/backends/cuda/kernel_plan.h"
#include "gemmetry/backends/cuda/own_plan.h"
#include "gemmetry/backends/cuda/recording.h"

namespace gemmetry::backends::cuda {
namespace {

/// Whole numbers that are copied as they are, without a kernel: the tokens of a step.
constexpr std::int64_t few_numbers = 4096;

}  // namespace

Status CudaBackend::open(std::int32_t device, std::unique_ptr<CudaBackend>* backend) {
  if (const Status status = open_device(device); !status.ok()) return status;
  int major = 0;
  int sms = 0;
  cudaError_t error = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
  if (error == cudaSuccess) error = cudaDeviceGetAttribute(&sms, cudaDevAttrMultiProcessorCount, device);
  if (error != cudaSuccess) return check(error, "ask for the device's kind");
  std::unique_ptr<CudaBackend> made(new CudaBackend(device, major, sms));
  if (const Status status = check(made->stream_.open(), "make a stream"); !status.ok()) return status;
  if (const Status status = made->pool_.open(device, made->stream_.get()); !status.ok()) return status;
  *backend = std::move(made);
  return {};
}

CudaBackend::~CudaBackend() {
  cudaSetDevice(device_);
  if (stream_.get() != nullptr) cudaStreamSynchronize(stream_.get());
}

/// Runs `body` on this backend's device; nothing it throws leaves.
template <class Body>
Status CudaBackend::guarded(Body body) noexcept {
  try {
    const cudaError_t error = cudaSetDevice(device_);
    return error == cudaSuccess ? body() : check(error, "use the device");
  } catch (const std::bad_alloc&) {
    return failure(StatusCode::out_of_memory, "the host's memory is full");
  } catch (const std::exception& error) {
    return failure(StatusCode::failed, "%s", error.what());
  } catch (...) {
    return failure(StatusCode::failed, "unknown exception");
  }
}

Status CudaBackend::wait(const char* doing) noexcept { return check(cudaStreamSynchronize(stream_.get()), doing); }

Status CudaBackend::describe(measure::DeviceInfo& info) noexcept {
  return guarded([&] {
    const Status status = describe_device(device_, info);
    info.free_bytes += pool_.idle_bytes();
    return status;
  });
}

Status CudaBackend::allocate(std::int64_t bytes, void** buffer) noexcept {
  return guarded([&] { return pool_.allocate(bytes, buffer); });
}

void CudaBackend::release(void* buffer) noexcept { pool_.release(buffer); }

Status CudaBackend::fill(void* buffer, const measure::Operand& operand, std::uint64_t seed) noexcept {
  return guarded([&] { return cuda::fill(buffer, operand, seed, stream_.get()); });
}

Status CudaBackend::read(const void* buffer, measure::Element element, const std::int64_t* indices, std::int64_t count,
                         double* values) noexcept {
  return guarded([&] {
    constexpr std::int64_t chunk = std::int64_t{1} << 22;  // elements at a time, so that little memory is needed
    const std::int64_t most = std::min(chunk, count);
    void* scratch = nullptr;
    if (count <= 0) return Status{};
    if (indices == nullptr && element == measure::Element::int32 && count <= few_numbers)
      return read_few(static_cast<const std::int32_t*>(buffer), count, values);
    if (const Status status = pool_.allocate(2 * most * std::int64_t{8}, &scratch); !status.ok()) return status;
    double* const gathered = static_cast<double*>(scratch);
    std::int64_t* const where = indices != nullptr ? reinterpret_cast<std::int64_t*>(gathered + most) : nullptr;
    Status status;
    for (std::int64_t from = 0; from < count && status.ok(); from += chunk) {
      const std::int64_t some = std::min(chunk, count - from);
      const std::size_t bytes = static_cast<std::size_t>(some) * 8;
      const char* source = static_cast<const char*>(buffer);
      if (indices == nullptr)
        source += from * measure::element_bytes(element);
      else
        status = check(cudaMemcpyAsync(where, indices + from, bytes, cudaMemcpyHostToDevice, stream_.get()),
                       "copy indices to the device");
      if (status.ok()) status = gather(source, element, where, some, gathered, stream_.get());
      if (status.ok())
        status = check(cudaMemcpyAsync(values + from, gathered, bytes, cudaMemcpyDeviceToHost, stream_.get()),
                       "copy results from the device");
      if (status.ok()) status = wait("copy results from the device");
    }
    pool_.release(scratch);
    return status;
  });
}

Status CudaBackend::read_few(const std::int32_t* buffer, std::int64_t count, double* values) {
  std::vector<std::int32_t> numbers(static_cast<std::size_t>(count));
  const std::size_t bytes = numbers.size() * sizeof numbers[0];
  const cudaError_t error = cudaMemcpyAsync(numbers.data(), buffer, bytes, cudaMemcpyDeviceToHost, stream_.get());
  if (error != cudaSuccess) return check(error, "copy results from the device");
  if (const Status status = wait("copy results from the device"); !status.ok()) return status;
  std::copy(numbers.begin(), numbers.end(), values);
  return {};
}

Status CudaBackend::make_plan(const op::Operator& op, const char* key, std::unique_ptr<CudaPlan>* plan) {
  if (const auto* gemm = std::get_if<op::Gemm>(&op)) return plan_gemm(libraries_, *gemm, key, plan);
  if (const auto* gemm = std::get_if<op::GroupedGemm>(&op)) return plan_grouped(libraries_, *gemm, key, plan);
  if (const auto* attention = std::get_if<op::Attention>(&op)) return attention_.plan(*attention, key, plan);
  if (std::holds_alternative<op::Collective>(op))
    return failure(StatusCode::unsupported, "a collective needs several devices: it is not run on one");
  CudaPlan* own = nullptr;
  const Status status = plan_own(op, libraries_.sms(), &own);
  plan->reset(own);
  return status;
}

Status CudaBackend::plan(const op::Operator& op, const char* algorithm_key, measure::Plan** plan) noexcept {
  *plan = nullptr;
  return guarded([&] {
    std::unique_ptr<CudaPlan> made;
    const Status status = make_plan(op, algorithm_key, &made);
    if (status.ok()) *plan = made.release();
    return status;
  });
}

Status CudaBackend::algorithms(const op::Operator& op, measure::AlgorithmInfo* infos, std::int32_t capacity,
                               std::int32_t* found) noexcept {
  *found = 0;
  return guarded([&] {
    if (const auto* gemm = std::get_if<op::Gemm>(&op))
      return gemm_algorithms(libraries_, *gemm, infos, capacity, found);
    if (const auto* gemm = std::get_if<op::GroupedGemm>(&op))
      return grouped_algorithms(libraries_, *gemm, infos, capacity, found);
    if (const auto* attention = std::get_if<op::Attention>(&op))
      return attention_.algorithms(*attention, infos, capacity, found);
    std::unique_ptr<CudaPlan> only;
    const Status status = make_plan(op, nullptr, &only);
    if (status.ok() && capacity > 0) infos[(*found)++] = only->algorithm();
    return status;
  });
}

Status CudaBackend::prepare(const measure::Call& call) noexcept {
  return guarded([&] {
    const Status status = static_cast<CudaPlan*>(call.plan)->prepare(call.operands, call.workspace, stream_.get());
    return status.ok() ? wait("prepare operands") : status;
  });
}

Status CudaBackend::run(const measure::Call* calls, std::int32_t count) noexcept {
  return guarded([&] {
    const Status status = enqueue(calls, static_cast<std::size_t>(count), stream_.get());
    const Status waited = wait("run");
    return status.ok() ? waited : status;
  });
}

Status CudaBackend::record(const measure::Call* calls, std::int32_t count, measure::Replay replay,
                           measure::Recording** recording) noexcept {
  *recording = nullptr;
  return guarded([&] {
    std::unique_ptr<CudaRecording> made;
    const Status status = CudaRecording::make(calls, static_cast<std::size_t>(count), replay, stream_.get(), &made);
    if (status.ok()) *recording = made.release();
    return status;
  });
}

Status CudaBackend::time(measure::Recording* recording, std::int32_t replays, double* times_s) noexcept {
  return guarded(
      [&] { return stopwatch_.time(static_cast<const CudaRecording&>(*recording), replays, stream_.get(), times_s); });
}

Status CudaBackend::write(void* buffer, const void* from, std::int64_t bytes) noexcept {
  return guarded([&] {
    if (bytes <= 0) return Status{};
    const cudaError_t error =
        cudaMemcpyAsync(buffer, from, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice, stream_.get());
    if (error != cudaSuccess) return check(error, "copy to the device");
    return wait("copy to the device");
  });
}

Status CudaBackend::plan_kernel(const measure::Kernel& kernel, const char* algorithm_key,
                                measure::Plan** plan) noexcept {
  *plan = nullptr;
  return guarded([&] {
    std::unique_ptr<CudaPlan> made;
    const Status status = make_kernel_plan(libraries_, attention_, kernel, algorithm_key, &made);
    if (status.ok()) *plan = made.release();
    return status;
  });
}

Status CudaBackend::replay(measure::Recording* recording, std::int32_t replays) noexcept {
  return guarded([&] {
    Status status;
    for (std::int32_t i = 0; i < replays && status.ok(); ++i)
      status = static_cast<const CudaRecording*>(recording)->replay(stream_.get());
    const Status waited = wait("replay");
    return status.ok() ? waited : status;
  });
}

Status CudaBackend::time_each(const measure::Call* calls, std::int32_t count, double* times_s) noexcept {
  return guarded([&] { return stopwatch_.time_each(calls, count, stream_.get(), times_s); });
}

}  // namespace gemmetry::backends::cuda
