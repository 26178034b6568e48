#include "gemmetry/run/serve/split_free.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/subject.h"

namespace gemmetry::run {
namespace {

std::vector<measure::AlgorithmInfo> proposed(measure::Backend& backend, const op::Gemm& gemm) {
  std::vector<measure::AlgorithmInfo> all(256);
  std::int32_t found = 0;
  measure::require(backend.algorithms(gemm, all.data(), static_cast<std::int32_t>(all.size()), &found));
  all.resize(static_cast<std::size_t>(found));
  return all;
}

}  // namespace

SplitFree::SplitFree(measure::Backend& backend, std::vector<std::int64_t> rows)
    : backend_(backend), rows_(std::move(rows)) {}

const std::string& SplitFree::key(op::Gemm gemm) {
  if (!rows_.empty()) gemm.m = *std::max_element(rows_.begin(), rows_.end());
  std::string& known = keys_[{gemm.m, gemm.n, gemm.k, gemm.dtype, gemm.epilogue}];
  if (known.empty()) known = find(gemm);
  return known;
}

std::string SplitFree::find(const op::Gemm& gemm) const {
  std::vector<measure::AlgorithmInfo> all = proposed(backend_, gemm);
  std::erase_if(all, [](const measure::AlgorithmInfo& one) { return one.split_k < 0 || one.split_k > 1; });
  std::stable_partition(all.begin(), all.end(), [](const auto& one) { return one.workspace_bytes == 0; });
  for (const measure::AlgorithmInfo& one : all)
    if (runs_for_all_rows(gemm, one.key)) return one.key;
  throw Error(
      fmt::format("product {}x{}x{}{}: the library proposes no algorithm that sums k in one piece{}; use another "
                  "dtype or sizes that are multiples of 8",
                  gemm.m, gemm.n, gemm.k, gemm.epilogue == op::Epilogue::none ? "" : " with bias",
                  rows_.empty() ? "" : " and runs for fewer rows too"));
}

bool SplitFree::runs_for_all_rows(op::Gemm gemm, const char* key) const {
  for (const std::int64_t rows : rows_) {
    gemm.m = rows;
    measure::Plan* plan = nullptr;
    const measure::Status status = backend_.plan(gemm, key, &plan);
    const std::unique_ptr<measure::Plan> planned(plan);
    if (status.code == measure::StatusCode::unsupported) return false;
    measure::require(status);
  }
  return true;
}

}  // namespace gemmetry::run
