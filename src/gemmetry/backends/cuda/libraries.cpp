#include "gemmetry/backends/cuda/libraries.h"

#include "gemmetry/backends/cuda/cudnn_library.h"

namespace gemmetry::backends::cuda {

Libraries::~Libraries() {
  if (cudnn_ != nullptr) cudnnDestroy(cudnn_);
  if (cublas_ != nullptr) cublasDestroy(cublas_);
  if (cublas_lt_ != nullptr) cublasLtDestroy(cublas_lt_);
  cudaFree(one_);
}

Status Libraries::cublas_lt(cublasLtHandle_t* handle) {
  if (cublas_lt_ == nullptr) {
    const Status status = check(cublasLtCreate(&cublas_lt_), "open cuBLASLt");
    if (!status.ok()) return status;
  }
  *handle = cublas_lt_;
  return {};
}

Status Libraries::cublas(cublasHandle_t* handle) {
  if (cublas_ == nullptr) {
    const Status status = check(cublasCreate(&cublas_), "open cuBLAS");
    if (!status.ok()) return status;
  }
  *handle = cublas_;
  return {};
}

Status Libraries::cudnn(cudnnHandle_t* handle) {
  if (cudnn_ == nullptr) {
    if (const Status status = load_cudnn(); !status.ok()) return status;
    const cudnnStatus_t error = cudnnCreate(&cudnn_);
    if (error != CUDNN_STATUS_SUCCESS) {
      cudnn_ = nullptr;
      return failure(StatusCode::unsupported, "cuDNN %zu cannot be opened: %s", cudnnGetVersion(),
                     cudnnGetErrorString(error));
    }
  }
  *handle = cudnn_;
  return {};
}

Status Libraries::one(const float** one) {
  if (one_ == nullptr) {
    const float value = 1;
    cudaError_t error = cudaMalloc(reinterpret_cast<void**>(&one_), sizeof value);
    if (error == cudaSuccess) error = cudaMemcpy(one_, &value, sizeof value, cudaMemcpyHostToDevice);
    if (error != cudaSuccess) return check(error, "make the scale of fp8 operands");
  }
  *one = one_;
  return {};
}

}  // namespace gemmetry::backends::cuda
