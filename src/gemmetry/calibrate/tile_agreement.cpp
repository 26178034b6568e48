#include "gemmetry/calibrate/tile_agreement.h"

#include <algorithm>
#include <map>

namespace gemmetry::calibrate {
namespace {

struct Sum {
  std::size_t count = 0, same = 0, turned = 0, split = 0;
  double error_same = 0, error_other = 0;
};

double share(double part, std::size_t whole) { return whole == 0 ? 0 : part / static_cast<double>(whole); }

void add(Sum& sum, const Judgement& one, const predict::GemmPlan& plan) {
  const std::int64_t rows = plan.swapped ? plan.tile_n : plan.tile_m;
  const std::int64_t columns = plan.swapped ? plan.tile_m : plan.tile_n;
  const measure::AlgorithmInfo& library = one.sample.algorithm;
  const bool same = rows == library.tile_n && columns == library.tile_m;
  ++sum.count;
  sum.same += same ? 1 : 0;
  sum.turned += !same && rows == library.tile_m && columns == library.tile_n ? 1 : 0;
  sum.split += plan.split_k == std::max(library.split_k, 1) ? 1 : 0;
  (same ? sum.error_same : sum.error_other) += one.prediction().relative();
}

}  // namespace

std::vector<TileAgreement> tile_agreement(std::span<const Judgement> judgements, Predictors& predictors) {
  std::map<ShapeClass, Sum> sums;
  for (const Judgement& one : judgements)
    if (const auto* gemm = std::get_if<op::Gemm>(&one.sample.op))
      if (one.sample.algorithm.tile_m > 0 && one.sample.algorithm.tile_n > 0)
        add(sums[one.sample.shape_class], one, predictors.of(one.sample).plan(*gemm));
  std::vector<TileAgreement> result;
  for (const auto& [shape_class, sum] : sums) {
    const auto real = [](std::size_t x) { return static_cast<double>(x); };
    result.push_back({shape_class, sum.count, share(real(sum.same), sum.count), share(real(sum.turned), sum.count),
                      share(real(sum.split), sum.count), share(sum.error_same, sum.same),
                      share(sum.error_other, sum.count - sum.same)});
  }
  return result;
}

}  // namespace gemmetry::calibrate
