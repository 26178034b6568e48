#include <exception>
#include <memory>

#include "gemmetry/backends/cuda/backend.h"

using gemmetry::backends::cuda::CudaBackend;
using gemmetry::backends::cuda::failure;
using gemmetry::measure::StatusCode;

/// What the program looks up in this shared object; see measure::OpenBackend.
extern "C" [[gnu::visibility("default")]] gemmetry::measure::Backend* gemmetry_open_backend(
    const gemmetry::measure::OpenRequest* request, gemmetry::measure::Status* status) noexcept {
  constexpr gemmetry::measure::OpenRequest here;
  if (request->abi != here.abi || request->operator_bytes != here.operator_bytes ||
      request->kernel_bytes != here.kernel_bytes) {
    *status =
        failure(StatusCode::unsupported,
                "the CUDA backend (interface %d, operators of %d bytes) is of another build than the program (%d, "
                "%d): install both from one",
                here.abi, here.operator_bytes, request->abi, request->operator_bytes);
    return nullptr;
  }
  try {
    std::unique_ptr<CudaBackend> backend;
    *status = CudaBackend::open(request->device, &backend);
    return backend.release();
  } catch (const std::exception& error) {
    *status = failure(StatusCode::failed, "the CUDA backend cannot be opened: %s", error.what());
  } catch (...) {
    *status = failure(StatusCode::failed, "the CUDA backend cannot be opened");
  }
  return nullptr;
}
