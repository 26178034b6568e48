#include "gemmetry/backends/cuda/status.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <iterator>

namespace gemmetry::backends::cuda {
namespace {

/// Errors that end the context: every later call fails with them too.
bool ends_context(cudaError_t error) {
  switch (error) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorAssert:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorContextIsDestroyed:
    case cudaErrorUnknown:
      return true;
    default:
      return false;
  }
}

}  // namespace

Status failure(StatusCode code, const char* format, ...) noexcept {
  Status status;
  status.code = code;
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(status.message, sizeof status.message, format, arguments);
  va_end(arguments);
  std::replace(std::begin(status.message), std::end(status.message), '\n', ' ');
  return status;
}

Status check(cudaError_t error, const char* doing) noexcept {
  if (error == cudaSuccess) return {};
  cudaGetLastError();
  const bool lost = ends_context(error) || cudaPeekAtLastError() != cudaSuccess;
  if (lost) return failure(StatusCode::device_lost, "%s: %s: start a new process", doing, cudaGetErrorString(error));
  const StatusCode code = error == cudaErrorMemoryAllocation ? StatusCode::out_of_memory : StatusCode::failed;
  return failure(code, "%s: %s", doing, cudaGetErrorString(error));
}

Status check(cublasStatus_t error, const char* doing) noexcept {
  if (error == CUBLAS_STATUS_SUCCESS) return {};
  // A lost device shows in the runtime, which names the cause.
  const cudaError_t cause = cudaGetLastError();
  if (ends_context(cause)) return check(cause, doing);
  StatusCode code = StatusCode::failed;
  if (error == CUBLAS_STATUS_NOT_SUPPORTED) code = StatusCode::unsupported;
  if (error == CUBLAS_STATUS_ALLOC_FAILED) code = StatusCode::out_of_memory;
  return failure(code, "%s: %s", doing, cublasLtGetStatusName(error));
}

}  // namespace gemmetry::backends::cuda
