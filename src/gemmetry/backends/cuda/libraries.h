#pragma once

#include <cublasLt.h>
#include <cublas_v2.h>
#include <cudnn.h>

#include <cstdint>

#include "gemmetry/backends/cuda/status.h"

namespace gemmetry::backends::cuda {

/// The vendor's libraries on one device, each opened when first asked for: a machine without cuDNN still measures
/// products, and cuBLAS, which holds tens of megabytes, is only there when grouped products are.
class Libraries {
 public:
  Libraries(std::int32_t compute_major, std::int32_t sms) : compute_major_(compute_major), sms_(sms) {}
  ~Libraries();
  Libraries(const Libraries&) = delete;
  Libraries& operator=(const Libraries&) = delete;

  std::int32_t compute_major() const { return compute_major_; }
  std::int32_t sms() const { return sms_; }

  Status cublas_lt(cublasLtHandle_t* handle);
  Status cublas(cublasHandle_t* handle);
  Status cudnn(cudnnHandle_t* handle);

  /// The fp32 number 1 on the device: scales of fp8 operands.
  Status one(const float** one);

  /// Workspace that products may use: what PyTorch gives them, so that first choices are the same.
  std::int64_t product_workspace_bytes() const { return std::int64_t{compute_major_ >= 9 ? 32 : 8} << 20; }

 private:
  std::int32_t compute_major_;
  std::int32_t sms_;
  cublasLtHandle_t cublas_lt_ = nullptr;
  cublasHandle_t cublas_ = nullptr;
  cudnnHandle_t cudnn_ = nullptr;
  float* one_ = nullptr;
};

}  // namespace gemmetry::backends::cuda
