#include "gemmetry/run/algorithm_use.h"

namespace gemmetry::run {
namespace {

/// The sizes of products and attention.
struct Sizes {
  AlgorithmUse& use;

  bool operator()(const measure::ProductKernel& product) const { return set(product.gemm); }
  bool operator()(const measure::ActivatedProductKernel& activated) const { return set(activated.product.gemm); }
  bool operator()(const measure::AttentionKernel& kernel) const {
    const op::Attention& a = kernel.attention;
    return set(a.batch, a.queries, a.keys, a.head_dim);
  }
  template <class Other>
  bool operator()(const Other&) const {
    return false;
  }

  bool set(const op::Gemm& gemm) const { return set(gemm.batch, gemm.m, gemm.n, gemm.k); }
  bool set(std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k) const {
    use.batch = batch;
    use.m = m;
    use.n = n;
    use.k = k;
    return true;
  }
};

}  // namespace

std::optional<AlgorithmUse> algorithm_use(const shape::Workload& workload, const op::Step& step, const Work& work,
                                          const measure::AlgorithmInfo& algorithm) {
  const auto* kernel = std::get_if<measure::Kernel>(&work);
  AlgorithmUse use;
  if (!kernel || !std::visit(Sizes{use}, *kernel)) return std::nullopt;
  const bool verifies = workload.phase == shape::Phase::decode && workload.new_tokens > 1;
  use.pass = verifies ? "verify" : name(workload.phase);
  use.module = name(step.module);
  use.detail = step.detail;
  use.rows = shape::tokens(workload);
  use.algorithm = algorithm;
  return use;
}

}  // namespace gemmetry::run
