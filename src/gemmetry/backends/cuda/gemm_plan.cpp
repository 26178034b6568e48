#include "gemmetry/backends/cuda/gemm_plan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <new>
#include <optional>
#include <string_view>
#include <vector>

#include "gemmetry/backends/cuda/gemm_problem.h"
#include "gemmetry/backends/cuda/gemm_shapes.h"
#include "gemmetry/backends/cuda/gemv.h"
#include "gemmetry/measure/kernel_layout.h"

namespace gemmetry::backends::cuda {
namespace {

using Choice = cublasLtMatmulHeuristicResult_t;
using Choices = std::vector<Choice>;
using measure::AlgorithmInfo;

bool same(const cublasLtMatmulAlgo_t& a, const cublasLtMatmulAlgo_t& b) {
  return std::equal(std::begin(a.data), std::end(a.data), std::begin(b.data));
}

void write_key(const cublasLtMatmulAlgo_t& algorithm, AlgorithmInfo& info) {
  char* at = info.key;
  for (const std::uint64_t word : algorithm.data)
    at += std::snprintf(at, 17, "%016llx", static_cast<unsigned long long>(word));
}

bool read_key(std::string_view key, cublasLtMatmulAlgo_t& algorithm) {
  if (key.size() != 16 * std::size(algorithm.data)) return false;
  for (std::uint64_t& word : algorithm.data) {
    const char* const end = key.data() + 16;
    const auto [stop, error] = std::from_chars(key.data(), end, word, 16);
    if (error != std::errc{} || stop != end) return false;
    key.remove_prefix(16);
  }
  return true;
}

template <class Value>
Value config(const cublasLtMatmulAlgo_t& algorithm, cublasLtMatmulAlgoConfigAttributes_t attribute) {
  Value value = 0;
  if (cublasLtMatmulAlgoConfigGetAttribute(&algorithm, attribute, &value, sizeof value, nullptr) !=
      CUBLAS_STATUS_SUCCESS)
    return 0;
  return value;
}

AlgorithmInfo info_of(const Choice& choice) {
  const cublasLtMatmulAlgo_t& algorithm = choice.algo;
  AlgorithmInfo info;
  std::snprintf(info.library, sizeof info.library, "cublasLt");
  info.id = config<std::int32_t>(algorithm, CUBLASLT_ALGO_CONFIG_ID);
  std::snprintf(info.kernel, sizeof info.kernel, "algo %d", info.id);
  write_key(algorithm, info);
  const GemmShape tile = tile_of(config<std::uint32_t>(algorithm, CUBLASLT_ALGO_CONFIG_TILE_ID));
  info.tile_m = tile.m;
  info.tile_n = tile.n;
  info.stages = stages_of(config<std::uint32_t>(algorithm, CUBLASLT_ALGO_CONFIG_STAGES_ID));
  info.split_k = config<std::int32_t>(algorithm, CUBLASLT_ALGO_CONFIG_SPLITK_NUM);
  const GemmShape cluster = cluster_of(config<std::uint16_t>(algorithm, CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID));
  info.cluster_m = cluster.m;
  info.cluster_n = cluster.n;
  info.swizzle = config<std::int32_t>(algorithm, CUBLASLT_ALGO_CONFIG_CTA_SWIZZLING);
  info.waves = static_cast<double>(choice.wavesCount);
  info.workspace_bytes = static_cast<std::int64_t>(choice.workspaceSize);
  return info;
}

class GemmPlan final : public CudaPlan {
 public:
  GemmPlan(const GemmProblem& problem, const Choice& choice) : problem_(problem), choice_(choice.algo) {
    algorithm_ = info_of(choice);
  }

  Status enqueue(void* const* operands, void* workspace, cudaStream_t stream) noexcept override {
    if (problem_.aligned(operands))
      return problem_.enqueue(choice_, operands, workspace, algorithm_.workspace_bytes, stream);
    if (const Status status = choose_for_anywhere(operands); !status.ok()) return status;
    return problem_.enqueue(*anywhere_, operands, workspace, algorithm_.workspace_bytes, stream);
  }

 private:
  /// An algorithm for operands that begin anywhere, looked for when the first of them come.
  Status choose_for_anywhere(void* const* operands) {
    if (anywhere_) return {};
    try {
      cublasLtMatmulAlgo_t algorithm = {};
      const Status status = problem_.choice_for(operands, algorithm_.workspace_bytes, &algorithm);
      if (status.ok()) anywhere_ = algorithm;
      return status;
    } catch (const std::bad_alloc&) {
      return failure(StatusCode::out_of_memory, "the host's memory is full");
    }
  }

  GemmProblem problem_;
  cublasLtMatmulAlgo_t choice_;
  std::optional<cublasLtMatmulAlgo_t> anywhere_;
};

/// Few rows by the own kernel.
class GemvPlan final : public CudaPlan {
 public:
  GemvPlan(const measure::ProductKernel& product, int sms) : product_(product), sms_(sms) {
    std::snprintf(algorithm_.library, sizeof algorithm_.library, "own");
    std::snprintf(algorithm_.kernel, sizeof algorithm_.kernel, "gemv");
    std::snprintf(algorithm_.key, sizeof algorithm_.key, "%s", gemv_key);
  }

  Status enqueue(void* const* operands, void* workspace, cudaStream_t stream) noexcept override {
    return launch_gemv(product_, {operands, workspace, sms_, stream});
  }

 private:
  measure::ProductKernel product_;
  int sms_;
};

/// A product without multiplications: nothing to write, or zeros where k is 0.
class EmptyGemmPlan final : public CudaPlan {
 public:
  explicit EmptyGemmPlan(const measure::ProductKernel& product) : product_(product) {
    const op::Gemm& gemm = product.gemm;
    element_ = gemm.dtype == shape::Dtype::tf32 || gemm.dtype == shape::Dtype::fp32 ? 4 : 2;
    if (gemm.epilogue == op::Epilogue::bias_gradient) vector_bytes_ = static_cast<std::size_t>(gemm.m * element_);
    std::snprintf(algorithm_.library, sizeof algorithm_.library, "own");
    std::snprintf(algorithm_.kernel, sizeof algorithm_.kernel, "zero");
    std::snprintf(algorithm_.key, sizeof algorithm_.key, "zero");
  }

  Status enqueue(void* const* operands, void*, cudaStream_t stream) noexcept override {
    const op::Gemm& gemm = product_.gemm;
    const auto bytes = [&](std::int64_t elements) { return static_cast<std::size_t>(elements * element_); };
    const bool dense = product_.c_stride == gemm.n && product_.c_batch == gemm.m * gemm.n;
    const std::int64_t arrays = dense ? 1 : gemm.batch;
    const std::int64_t rows = dense ? gemm.batch * gemm.m : gemm.m;
    cudaError_t error = cudaSuccess;
    for (std::int64_t i = 0; i < arrays && rows > 0 && gemm.n > 0 && !product_.accumulate; ++i) {
      char* const c = static_cast<char*>(operands[2]) + bytes(i * product_.c_batch);
      if (error == cudaSuccess)
        error = dense ? cudaMemsetAsync(c, 0, bytes(rows * gemm.n), stream)
                      : cudaMemset2DAsync(c, bytes(product_.c_stride), 0, bytes(gemm.n), static_cast<std::size_t>(rows),
                                          stream);
    }
    if (error == cudaSuccess && vector_bytes_ > 0) error = cudaMemsetAsync(operands[3], 0, vector_bytes_, stream);
    return check(error, "write the zeros of an empty product");
  }

 private:
  measure::ProductKernel product_;
  std::int64_t element_ = 2;
  std::size_t vector_bytes_ = 0;
};

/// Refuses what no library is asked about; sets `empty` for products that need none.
Status inspect(const op::Gemm& gemm, bool* empty) {
  const auto number = [](std::int64_t value) { return static_cast<long long>(value); };
  if (gemm.m < 0 || gemm.n < 0 || gemm.k < 0 || gemm.batch < 0)
    return failure(StatusCode::unsupported, "product %lldx%lldx%lld batch %lld: a size is negative", number(gemm.m),
                   number(gemm.n), number(gemm.k), number(gemm.batch));
  *empty = gemm.m == 0 || gemm.n == 0 || gemm.k == 0 || gemm.batch == 0;
  const bool bias = gemm.epilogue == op::Epilogue::bias || gemm.epilogue == op::Epilogue::bias_gelu;
  const bool sums = gemm.epilogue == op::Epilogue::bias_gradient;
  if (*empty && (bias || (sums && gemm.k > 0)))
    return failure(StatusCode::unsupported, "product %lldx%lldx%lld batch %lld with an epilogue: a size is 0",
                   number(gemm.m), number(gemm.n), number(gemm.k), number(gemm.batch));
  if (sums && gemm.batch > 1)
    return failure(StatusCode::unsupported, "batch %lld with bias_gradient: only single products sum their operand",
                   number(gemm.batch));
  return {};
}

void add(Choices& all, const Choice& choice) {
  const auto known = [&](const Choice& other) { return same(other.algo, choice.algo); };
  if (std::none_of(all.begin(), all.end(), known)) all.push_back(choice);
}

/// Other splits of k than the library proposes, for the best of its choices.
void add_splits(const GemmProblem& problem, Choices& all) {
  constexpr std::array<std::int32_t, 5> splits = {1, 2, 4, 8, 16};
  const Choices best(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(all.size(), 4)));
  for (const Choice& choice : best) {
    for (const std::int32_t split : splits) {
      const std::uint32_t scheme = split > 1 ? CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE : CUBLASLT_REDUCTION_SCHEME_NONE;
      cublasLtMatmulAlgo_t algorithm = choice.algo;
      const bool set = cublasLtMatmulAlgoConfigSetAttribute(&algorithm, CUBLASLT_ALGO_CONFIG_SPLITK_NUM, &split,
                                                            sizeof split) == CUBLAS_STATUS_SUCCESS &&
                       cublasLtMatmulAlgoConfigSetAttribute(&algorithm, CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME, &scheme,
                                                            sizeof scheme) == CUBLAS_STATUS_SUCCESS;
      Choice checked;
      if (set && problem.fits(algorithm, &checked)) add(all, checked);
    }
  }
}

/// The first choice first, then everything else the library proposes, with more workspace and with none.
Status every_choice(const Libraries& libraries, const GemmProblem& problem, Choices* all) {
  constexpr int many = 128;
  constexpr std::size_t few = 32;
  const std::int64_t usual = libraries.product_workspace_bytes();
  const std::array<std::pair<std::int64_t, int>, 4> requests = {
      {{usual, 1}, {usual, many}, {std::int64_t{256} << 20, many}, {0, many}}};
  for (const auto& [workspace, count] : requests) {
    Choices some;
    const Status status = problem.choices(workspace, count, &some);
    if (!status.ok()) return status;
    for (const Choice& choice : some) add(*all, choice);
    if (all->empty()) return problem.unsupported();
  }
  if (all->size() < few) add_splits(problem, *all);
  return {};
}

/// An operator's arrays are dense.
measure::ProductKernel product_of(const op::Gemm& gemm) {
  return std::get<measure::ProductKernel>(measure::with_strides(measure::ProductKernel{.gemm = gemm}));
}

}  // namespace

Status plan_gemm(Libraries& libraries, const op::Gemm& gemm, const char* key, std::unique_ptr<CudaPlan>* plan) {
  return plan_product(libraries, product_of(gemm), key, plan);
}

Status plan_product(Libraries& libraries, const measure::ProductKernel& product, const char* key,
                    std::unique_ptr<CudaPlan>* plan) {
  bool empty = false;
  if (const Status status = inspect(product.gemm, &empty); !status.ok()) return status;
  if (empty) {
    *plan = std::make_unique<EmptyGemmPlan>(product);
    return {};
  }
  if (key != nullptr && std::string_view(key) == gemv_key) {
    if (!gemv_takes(product))
      return failure(StatusCode::unsupported, "%s is for linear layers (nt, batch 1) of at most %lld rows without fp8",
                     gemv_key, static_cast<long long>(gemv_most_rows));
    *plan = std::make_unique<GemvPlan>(product, libraries.sms());
    return {};
  }
  GemmProblem problem;
  if (const Status status = GemmProblem::make(libraries, product, &problem); !status.ok()) return status;
  if (key == nullptr) {
    Choices choices;
    const Status status = problem.choices(libraries.product_workspace_bytes(), 1, &choices);
    if (!status.ok()) return status;
    if (choices.empty()) return problem.unsupported();
    *plan = std::make_unique<GemmPlan>(problem, choices.front());
    return {};
  }
  cublasLtMatmulAlgo_t algorithm = {};
  Choice choice;
  if (!read_key(key, algorithm) || !problem.fits(algorithm, &choice))
    return failure(StatusCode::unsupported,
                   "cuBLASLt %zu cannot run this product with algorithm %.40s...: choose again with `gemmetry tune`",
                   cublasLtGetVersion(), key);
  *plan = std::make_unique<GemmPlan>(problem, choice);
  return {};
}

Status gemm_algorithms(Libraries& libraries, const op::Gemm& gemm, AlgorithmInfo* infos, std::int32_t capacity,
                       std::int32_t* found) {
  *found = 0;
  bool empty = false;
  if (const Status status = inspect(gemm, &empty); !status.ok()) return status;
  if (empty) {
    if (capacity > 0) infos[(*found)++] = EmptyGemmPlan(product_of(gemm)).algorithm();
    return {};
  }
  GemmProblem problem;
  if (const Status status = GemmProblem::make(libraries, product_of(gemm), &problem); !status.ok()) return status;
  Choices all;
  if (const Status status = every_choice(libraries, problem, &all); !status.ok()) return status;
  for (const Choice& choice : all) {
    if (*found == capacity) break;
    infos[(*found)++] = info_of(choice);
  }
  return {};
}

}  // namespace gemmetry::backends::cuda
