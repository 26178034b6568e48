#include "gemmetry/backends/cuda/gemm_problem.h"

#include <cstdint>
#include <limits>
#include <string_view>

namespace gemmetry::backends::cuda {
namespace {

cudaDataType_t operand_type(shape::Dtype dtype) {
  switch (dtype) {
    case shape::Dtype::bf16:
      return CUDA_R_16BF;
    case shape::Dtype::fp16:
      return CUDA_R_16F;
    case shape::Dtype::fp8:
      return CUDA_R_8F_E4M3;
    case shape::Dtype::tf32:
    case shape::Dtype::fp32:
      return CUDA_R_32F;
  }
  return CUDA_R_32F;
}

cudaDataType_t result_type(shape::Dtype dtype) {
  return dtype == shape::Dtype::fp8 ? CUDA_R_16BF : operand_type(dtype);
}

cublasLtEpilogue_t epilogue_of(op::Epilogue epilogue) {
  switch (epilogue) {
    case op::Epilogue::none:
      return CUBLASLT_EPILOGUE_DEFAULT;
    case op::Epilogue::bias:
      return CUBLASLT_EPILOGUE_BIAS;
    case op::Epilogue::gelu:
      return CUBLASLT_EPILOGUE_GELU;
    case op::Epilogue::bias_gelu:
      return CUBLASLT_EPILOGUE_GELU_BIAS;
    case op::Epilogue::bias_gradient:
      return CUBLASLT_EPILOGUE_BGRADB;  // our a is the library's B
  }
  return CUBLASLT_EPILOGUE_DEFAULT;
}

bool reads_bias(op::Epilogue epilogue) { return epilogue == op::Epilogue::bias || epilogue == op::Epilogue::bias_gelu; }

bool has_vector(op::Epilogue epilogue) { return reads_bias(epilogue) || epilogue == op::Epilogue::bias_gradient; }

template <class Value>
cublasStatus_t set(cublasLtMatmulDescOpaque_t& product, cublasLtMatmulDescAttributes_t attribute, const Value& value) {
  return cublasLtMatmulDescSetAttribute(&product, attribute, &value, sizeof value);
}

template <class Value>
cublasStatus_t set(cublasLtMatmulPreferenceOpaque_t& preference, cublasLtMatmulPreferenceAttributes_t attribute,
                   const Value& value) {
  return cublasLtMatmulPreferenceSetAttribute(&preference, attribute, &value, sizeof value);
}

/// A row-major array, one for each of the batch.
struct Array {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t stride = 0;        ///< from a row to the next
  std::int64_t batch_stride = 0;  ///< from an array to the next
};

cublasStatus_t describe(cublasLtMatrixLayoutOpaque_t& layout, cudaDataType_t type, const Array& array,
                        std::int64_t batch) {
  cublasStatus_t error = cublasLtMatrixLayoutInit(&layout, type, static_cast<std::uint64_t>(array.columns),
                                                  static_cast<std::uint64_t>(array.rows), array.stride);
  if (error != CUBLAS_STATUS_SUCCESS || batch == 1) return error;
  const std::int32_t count = static_cast<std::int32_t>(batch);
  const std::int64_t stride = array.batch_stride;
  error = cublasLtMatrixLayoutSetAttribute(&layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count);
  if (error != CUBLAS_STATUS_SUCCESS) return error;
  return cublasLtMatrixLayoutSetAttribute(&layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride, sizeof stride);
}

/// The first error of several calls.
cublasStatus_t first(std::initializer_list<cublasStatus_t> errors) {
  for (const cublasStatus_t error : errors) {
    if (error != CUBLAS_STATUS_SUCCESS) return error;
  }
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace

Status GemmProblem::make(Libraries& libraries, const measure::ProductKernel& product, GemmProblem* problem) {
  const op::Gemm& gemm = product.gemm;
  GemmProblem& p = *problem;
  p.gemm_ = gemm;
  p.accumulate_ = product.accumulate;
  p.residual_ = product.residual;
  if (gemm.batch > std::numeric_limits<std::int32_t>::max())
    return failure(StatusCode::unsupported, "a batch of %lld products: cuBLASLt takes 2147483647 at most",
                   static_cast<long long>(gemm.batch));
  const Status opened = libraries.cublas_lt(&p.handle_);
  if (!opened.ok()) return opened;
  const float* one = nullptr;
  const Status made = libraries.one(&one);
  if (!made.ok()) return made;

  const bool a_transposed = gemm.layout == op::Layout::tn;
  const bool b_transposed = gemm.layout == op::Layout::nt;
  const cublasOperation_t no = CUBLAS_OP_N;
  const cublasOperation_t yes = CUBLAS_OP_T;
  const cudaDataType_t type = operand_type(gemm.dtype);
  const cudaDataType_t result = result_type(gemm.dtype);
  const cublasComputeType_t compute =
      gemm.dtype == shape::Dtype::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  const auto turn = [](bool turned, std::int64_t length, std::int64_t other) { return turned ? other : length; };

  cublasStatus_t error = first({
      cublasLtMatmulDescInit(&p.product_, compute, CUDA_R_32F),
      set(p.product_, CUBLASLT_MATMUL_DESC_TRANSA, b_transposed ? yes : no),
      set(p.product_, CUBLASLT_MATMUL_DESC_TRANSB, a_transposed ? yes : no),
      set(p.product_, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue_of(gemm.epilogue)),
      describe(
          p.a_, type,
          {turn(b_transposed, gemm.k, gemm.n), turn(b_transposed, gemm.n, gemm.k), product.b_stride, product.b_batch},
          gemm.batch),
      describe(
          p.b_, type,
          {turn(a_transposed, gemm.m, gemm.k), turn(a_transposed, gemm.k, gemm.m), product.a_stride, product.a_batch},
          gemm.batch),
      describe(p.c_, result, {gemm.m, gemm.n, product.c_stride, product.c_batch}, gemm.batch),
  });
  if (error == CUBLAS_STATUS_SUCCESS && gemm.dtype == shape::Dtype::fp8) {
    const std::int8_t exact = 0;  // sums in fp32 throughout, as torch._scaled_mm does unless told otherwise
    error = first({set(p.product_, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, one),
                   set(p.product_, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, one),
                   set(p.product_, CUBLASLT_MATMUL_DESC_FAST_ACCUM, exact)});
  }
  if (error == CUBLAS_STATUS_SUCCESS && has_vector(gemm.epilogue)) {
    // The choice of algorithms looks at the alignment of this pointer only; the real one comes with each call.
    error = first({set(p.product_, CUBLASLT_MATMUL_DESC_BIAS_POINTER, one),
                   set(p.product_, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, result)});
  }
  return check(error, "describe the product to cuBLASLt");
}

Status GemmProblem::choices(std::int64_t workspace_bytes, int count,
                            std::vector<cublasLtMatmulHeuristicResult_t>* found, std::uint32_t alignment) const {
  cublasLtMatmulPreferenceOpaque_t preference = {};
  cublasStatus_t error =
      first({cublasLtMatmulPreferenceInit(&preference),
             set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<std::uint64_t>(workspace_bytes)),
             set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment),
             set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment),
             set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment),
             set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment)});
  if (error != CUBLAS_STATUS_SUCCESS) return check(error, "set the preferences of cuBLASLt");
  found->assign(static_cast<std::size_t>(count), {});
  int returned = 0;
  error = cublasLtMatmulAlgoGetHeuristic(handle_, &product_, &a_, &b_, &c_, &c_, &preference, count, found->data(),
                                         &returned);
  found->resize(static_cast<std::size_t>(returned));
  std::erase_if(*found, [](const auto& choice) { return choice.state != CUBLAS_STATUS_SUCCESS; });
  if (error == CUBLAS_STATUS_NOT_SUPPORTED || error == CUBLAS_STATUS_INVALID_VALUE) {
    found->clear();
    return {};
  }
  return check(error, "choose an algorithm of cuBLASLt");
}

bool GemmProblem::fits(const cublasLtMatmulAlgo_t& algorithm, cublasLtMatmulHeuristicResult_t* result) const {
  *result = {};
  const cublasStatus_t error = cublasLtMatmulAlgoCheck(handle_, &product_, &a_, &b_, &c_, &c_, &algorithm, result);
  result->algo = algorithm;
  return error == CUBLAS_STATUS_SUCCESS && result->state == CUBLAS_STATUS_SUCCESS;
}

bool GemmProblem::aligned(void* const* operands) const {
  const int count = 3 + (has_vector(gemm_.epilogue) ? 1 : 0) + (residual_ ? 1 : 0);
  for (int i = 0; i < count; ++i) {
    if (reinterpret_cast<std::uintptr_t>(operands[i]) % 16 != 0) return false;
  }
  return true;
}

Status GemmProblem::choice_for(void* const* operands, std::int64_t workspace_bytes, cublasLtMatmulAlgo_t* algorithm) {
  // The smallest step that pointers to elements take.
  const std::uint32_t alignment = operand_type(gemm_.dtype) == CUDA_R_32F ? 4
                                  : gemm_.dtype == shape::Dtype::fp8      ? 1
                                                                          : 2;
  if (const Status status = set_vector(operands); !status.ok()) return status;
  std::vector<cublasLtMatmulHeuristicResult_t> found;
  if (const Status status = choices(workspace_bytes, 1, &found, alignment); !status.ok()) return status;
  if (found.empty()) return unsupported();
  *algorithm = found.front().algo;
  return {};
}

Status GemmProblem::set_vector(void* const* operands) {
  if (!has_vector(gemm_.epilogue)) return {};
  const void* const vector = operands[reads_bias(gemm_.epilogue) ? 2 : 3];
  const cublasStatus_t error = set(product_, CUBLASLT_MATMUL_DESC_BIAS_POINTER, vector);
  return error == CUBLAS_STATUS_SUCCESS ? Status{} : check(error, "give cuBLASLt the bias");
}

Status GemmProblem::enqueue(const cublasLtMatmulAlgo_t& algorithm, void* const* operands, void* workspace,
                            std::int64_t workspace_bytes, cudaStream_t stream) {
  const int next = reads_bias(gemm_.epilogue) ? 3 : 2;
  const void* const added = operands[next];
  void* const c = operands[residual_ ? next + 1 : next];
  if (const Status status = set_vector(operands); !status.ok()) return status;
  const float one = 1;
  const float keep = accumulate_ || residual_ ? 1 : 0;
  const cublasStatus_t error =
      cublasLtMatmul(handle_, &product_, &one, operands[1], &a_, operands[0], &b_, &keep, added, &c_, c, &c_,
                     &algorithm, workspace, static_cast<std::size_t>(workspace_bytes), stream);
  return error == CUBLAS_STATUS_SUCCESS ? Status{} : check(error, "multiply with cuBLASLt");
}

Status GemmProblem::unsupported() const {
  const auto text = [](std::string_view view) { return std::string(view); };
  std::string what = text(shape::name(gemm_.dtype)) + " product " + text(op::name(gemm_.layout)) + " " +
                     std::to_string(gemm_.m) + "x" + std::to_string(gemm_.n) + "x" + std::to_string(gemm_.k);
  if (gemm_.batch > 1) what += " batch " + std::to_string(gemm_.batch);
  if (gemm_.epilogue != op::Epilogue::none) what += " with " + text(op::name(gemm_.epilogue));
  if (gemm_.dtype == shape::Dtype::fp8 && gemm_.layout != op::Layout::nt)
    return failure(StatusCode::unsupported, "%s: cuBLASLt multiplies fp8 along rows of both operands only: layout nt",
                   what.c_str());
  if (gemm_.dtype == shape::Dtype::fp8 && (gemm_.k % 16 != 0 || gemm_.n % 16 != 0))
    return failure(StatusCode::unsupported,
                   "%s: cuBLASLt needs n and k of fp8 products to be multiples of 16: pad to n %lld, k %lld",
                   what.c_str(), static_cast<long long>((gemm_.n + 15) / 16 * 16),
                   static_cast<long long>((gemm_.k + 15) / 16 * 16));
  const char* hint = gemm_.epilogue != op::Epilogue::none ? ": run the epilogue as a kernel of its own" : "";
  return failure(StatusCode::unsupported, "%s: cuBLASLt has no kernel for it on this GPU%s", what.c_str(), hint);
}

}  // namespace gemmetry::backends::cuda
