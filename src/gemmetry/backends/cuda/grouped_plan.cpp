#include "gemmetry/backends/cuda/grouped_plan.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gemmetry/backends/cuda/gemm_plan.h"

namespace gemmetry::backends::cuda {
namespace {

using measure::AlgorithmInfo;
using measure::rows_of_expert;

constexpr std::string_view batched = "batched";
constexpr std::string_view grouped = "grouped";

void name_algorithm(std::string_view name, AlgorithmInfo& info) {
  std::snprintf(info.key, sizeof info.key, "%.*s", static_cast<int>(name.size()), name.data());
}

/// The same product for every expert.
class BatchedPlan final : public CudaPlan {
 public:
  explicit BatchedPlan(std::unique_ptr<CudaPlan> product) : product_(std::move(product)) {
    algorithm_ = product_->algorithm();
    const int id = algorithm_.id;
    std::snprintf(algorithm_.kernel, sizeof algorithm_.kernel, "batched, algo %d", id);
    name_algorithm(batched, algorithm_);
  }

  Status enqueue(void* const* operands, void* workspace, cudaStream_t stream) noexcept override {
    return product_->enqueue(operands, workspace, stream);
  }

 private:
  std::unique_ptr<CudaPlan> product_;
};

/// What cuBLAS takes: the pointers of every product lie on the device, A's, then B's, then C's. Each set of operands
/// has its own, written when it is first met, so that a replay needs no copy.
class PointerTable {
 public:
  PointerTable() = default;
  PointerTable(PointerTable&& other) noexcept
      : operands_(other.operands_), pointers_(std::exchange(other.pointers_, nullptr)) {}
  PointerTable& operator=(PointerTable&&) = delete;
  ~PointerTable() { cudaFree(pointers_); }

  using Operands = std::array<void*, 3>;
  const Operands& operands() const { return operands_; }
  void** pointers() const { return pointers_; }

  /// Allowed while a stream is capturing, if in relaxed mode.
  Status write(const Operands& operands, const std::vector<void*>& pointers) {
    operands_ = operands;
    const std::size_t bytes = pointers.size() * sizeof(void*);
    cudaError_t error = cudaMalloc(reinterpret_cast<void**>(&pointers_), bytes);
    if (error == cudaSuccess) error = cudaMemcpy(pointers_, pointers.data(), bytes, cudaMemcpyHostToDevice);
    return check(error, "tell the device where each expert's operands lie");
  }

 private:
  Operands operands_ = {};
  void** pointers_ = nullptr;
};

/// One product for each expert that has rows; up to two sizes of them. cuBLAS is column-major and computes the
/// transposed products, so its A is our second factor.
class GroupedPlan final : public CudaPlan {
 public:
  GroupedPlan(cublasHandle_t handle, const op::GroupedGemm& gemm, std::int64_t workspace_bytes)
      : handle_(handle), gemm_(gemm), tn_(gemm.layout == op::Layout::tn) {
    products_ = gemm.n > 0 && gemm.k > 0 ? std::min(gemm.experts, gemm.rows) : 0;
    const std::int64_t larger = std::min(products_, gemm.rows % gemm.experts);
    if (larger > 0) add_group(larger, gemm.rows / gemm.experts + 1);
    if (products_ > larger) add_group(products_ - larger, gemm.rows / gemm.experts);

    std::snprintf(algorithm_.library, sizeof algorithm_.library, "cublas");
    std::snprintf(algorithm_.kernel, sizeof algorithm_.kernel, "grouped");
    name_algorithm(grouped, algorithm_);
    algorithm_.workspace_bytes = products_ > 0 ? workspace_bytes : 0;
  }

  Status enqueue(void* const* operands, void* workspace, cudaStream_t stream) noexcept override {
    try {
      if (const Status status = write_zeros(operands[2], stream); !status.ok() || products_ == 0) return status;
      void* const* pointers = nullptr;
      if (const Status status = table(operands, &pointers); !status.ok()) return status;
      return multiply(pointers, workspace, stream);
    } catch (const std::exception& error) {
      return failure(StatusCode::failed, "grouped product: %s", error.what());
    }
  }

 private:
  void add_group(std::int64_t count, std::int64_t rows) {
    m_.push_back(tn_ ? gemm_.k : gemm_.n);
    n_.push_back(tn_ ? gemm_.n : rows);
    k_.push_back(tn_ ? rows : gemm_.k);
    counts_.push_back(count);
  }

  std::int64_t element() const {
    return gemm_.dtype == shape::Dtype::tf32 || gemm_.dtype == shape::Dtype::fp32 ? 4 : 2;
  }

  /// Results that no product writes: of experts without rows, or of sums over nothing.
  Status write_zeros(void* c, cudaStream_t stream) const {
    const std::int64_t written = tn_ ? products_ * gemm_.n * gemm_.k : (products_ > 0 ? gemm_.rows * gemm_.n : 0);
    const std::int64_t all = tn_ ? gemm_.experts * gemm_.n * gemm_.k : gemm_.rows * gemm_.n;
    if (all == written) return {};
    char* const from = static_cast<char*>(c) + written * element();
    return check(cudaMemsetAsync(from, 0, static_cast<std::size_t>((all - written) * element()), stream),
                 "write the results of experts without rows");
  }

  Status table(void* const* operands, void* const** pointers) {
    const PointerTable::Operands these = {operands[0], operands[1], operands[2]};
    const auto known = std::find_if(tables_.begin(), tables_.end(),
                                    [&](const PointerTable& other) { return other.operands() == these; });
    if (known != tables_.end()) {
      *pointers = known->pointers();
      return {};
    }
    PointerTable made;
    if (const Status status = made.write(these, list(these)); !status.ok()) return status;
    tables_.push_back(std::move(made));
    *pointers = tables_.back().pointers();
    return {};
  }

  std::vector<void*> list(const PointerTable::Operands& operands) const {
    const std::size_t count = static_cast<std::size_t>(products_);
    std::vector<void*> all(3 * count);
    const auto at = [&](std::size_t operand, std::int64_t elements) {
      return static_cast<char*>(operands[operand]) + elements * element();
    };
    std::int64_t row = 0;
    for (std::size_t e = 0; e < count; ++e) {
      const std::int64_t expert = static_cast<std::int64_t>(e);
      if (tn_) {  // c[e] = y_e^T x_e: y has n columns, x has k
        all[e] = at(1, row * gemm_.k);
        all[count + e] = at(0, row * gemm_.n);
        all[2 * count + e] = at(2, expert * gemm_.n * gemm_.k);
      } else {
        all[e] = at(1, expert * gemm_.n * gemm_.k);
        all[count + e] = at(0, row * gemm_.k);
        all[2 * count + e] = at(2, row * gemm_.n);
      }
      row += rows_of_expert(gemm_.rows, gemm_.experts, expert);
    }
    return all;
  }

  Status multiply(void* const* pointers, void* workspace, cudaStream_t stream) {
    constexpr std::array<float, 2> ones = {1, 1};
    constexpr std::array<float, 2> zeros = {0, 0};
    const cublasOperation_t a = gemm_.layout == op::Layout::nt ? CUBLAS_OP_T : CUBLAS_OP_N;
    const cublasOperation_t b = tn_ ? CUBLAS_OP_T : CUBLAS_OP_N;
    const std::array<cublasOperation_t, 2> turn_a = {a, a};
    const std::array<cublasOperation_t, 2> turn_b = {b, b};
    // A row-major array's leading dimension is its columns.
    const std::int64_t columns_a = tn_ || gemm_.layout == op::Layout::nt ? gemm_.k : gemm_.n;
    const std::int64_t columns_b = tn_ ? gemm_.n : gemm_.k;
    const std::int64_t columns_c = tn_ ? gemm_.k : gemm_.n;
    const std::array<std::int64_t, 2> lda = {columns_a, columns_a};
    const std::array<std::int64_t, 2> ldb = {columns_b, columns_b};
    const std::array<std::int64_t, 2> ldc = {columns_c, columns_c};

    const std::int64_t count = products_;
    cublasStatus_t error = cublasSetStream(handle_, stream);
    // After the stream, which takes the workspace away.
    if (error == CUBLAS_STATUS_SUCCESS)
      error = cublasSetWorkspace(handle_, workspace, static_cast<std::size_t>(algorithm_.workspace_bytes));
    if (error == CUBLAS_STATUS_SUCCESS)
      error = cublasGemmGroupedBatchedEx_64(handle_, turn_a.data(), turn_b.data(), m_.data(), n_.data(), k_.data(),
                                            ones.data(), pointers, type(), lda.data(), pointers + count, type(),
                                            ldb.data(), zeros.data(), pointers + 2 * count, type(), ldc.data(),
                                            static_cast<std::int64_t>(counts_.size()), counts_.data(), compute());
    return error == CUBLAS_STATUS_SUCCESS ? Status{} : check(error, "multiply groups with cuBLAS");
  }

  cudaDataType_t type() const {
    if (gemm_.dtype == shape::Dtype::bf16) return CUDA_R_16BF;
    return gemm_.dtype == shape::Dtype::fp16 ? CUDA_R_16F : CUDA_R_32F;
  }

  cublasComputeType_t compute() const {
    return gemm_.dtype == shape::Dtype::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  }

  cublasHandle_t handle_;
  op::GroupedGemm gemm_;
  bool tn_;
  std::int64_t products_ = 0;
  std::vector<std::int64_t> m_, n_, k_, counts_;  // of each group
  std::vector<PointerTable> tables_;
};

Status inspect(const op::GroupedGemm& gemm) {
  const auto number = [](std::int64_t value) { return static_cast<long long>(value); };
  if (gemm.experts < 1 || gemm.rows < 0 || gemm.n < 0 || gemm.k < 0)
    return failure(StatusCode::unsupported, "product of %lld experts, %lld rows, n %lld, k %lld: a size is too small",
                   number(gemm.experts), number(gemm.rows), number(gemm.n), number(gemm.k));
  return {};
}

bool even(const op::GroupedGemm& gemm) { return gemm.rows > 0 && gemm.rows % gemm.experts == 0; }

Status plan_batched(Libraries& libraries, const op::GroupedGemm& grouped_gemm, std::unique_ptr<CudaPlan>* plan) {
  const op::GroupedGemm& g = grouped_gemm;
  if (!even(g))
    return failure(StatusCode::unsupported, "%lld rows do not divide evenly among %lld experts: use algorithm grouped",
                   static_cast<long long>(g.rows), static_cast<long long>(g.experts));
  const std::int64_t rows = g.rows / g.experts;
  op::Gemm gemm{.batch = g.experts, .m = rows, .n = g.n, .k = g.k, .dtype = g.dtype, .layout = g.layout};
  if (g.layout == op::Layout::tn) {
    gemm.m = g.n;
    gemm.n = g.k;
    gemm.k = rows;
  }
  std::unique_ptr<CudaPlan> product;
  if (const Status status = plan_gemm(libraries, gemm, nullptr, &product); !status.ok()) return status;
  *plan = std::make_unique<BatchedPlan>(std::move(product));
  return {};
}

Status plan_groups(Libraries& libraries, const op::GroupedGemm& gemm, std::unique_ptr<CudaPlan>* plan) {
  if (gemm.dtype == shape::Dtype::fp8)
    return failure(StatusCode::unsupported,
                   "cuBLAS groups bf16, fp16, tf32 and fp32 products, not fp8: take rows that "
                   "divide evenly among the experts");
  cublasHandle_t handle = nullptr;
  if (const Status status = libraries.cublas(&handle); !status.ok()) return status;
  *plan = std::make_unique<GroupedPlan>(handle, gemm, libraries.product_workspace_bytes());
  return {};
}

}  // namespace

Status plan_grouped(Libraries& libraries, const op::GroupedGemm& gemm, const char* key,
                    std::unique_ptr<CudaPlan>* plan) {
  if (const Status status = inspect(gemm); !status.ok()) return status;
  const std::string_view wanted = key != nullptr ? key : (even(gemm) ? batched : grouped);
  if (wanted == batched) return plan_batched(libraries, gemm, plan);
  if (wanted == grouped) return plan_groups(libraries, gemm, plan);
  return failure(StatusCode::unsupported, "unknown algorithm %.40s for a grouped product: batched or grouped", key);
}

Status grouped_algorithms(Libraries& libraries, const op::GroupedGemm& gemm, AlgorithmInfo* infos,
                          std::int32_t capacity, std::int32_t* found) {
  *found = 0;
  if (const Status status = inspect(gemm); !status.ok()) return status;
  Status first;
  for (const std::string_view name : {batched, grouped}) {
    if (name == batched && !even(gemm)) continue;
    std::unique_ptr<CudaPlan> plan;
    const Status status = plan_grouped(libraries, gemm, std::string(name).c_str(), &plan);
    if (status.ok() && *found < capacity) infos[(*found)++] = plan->algorithm();
    if (!status.ok() && first.ok()) first = status;
  }
  return *found > 0 ? Status{} : first;
}

}  // namespace gemmetry::backends::cuda
