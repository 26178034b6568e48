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

/// Of fp32 sums; no kernel's tile is smaller than 64 x 32.
constexpr std::int64_t least_tile_bytes = 8192;

bool cuts_nothing(const measure::AlgorithmInfo& algorithm) {
  return (algorithm.split_k == 0 || algorithm.split_k == 1) && algorithm.workspace_bytes < least_tile_bytes;
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
  const std::vector<std::int64_t> all_rows = rows_.empty() ? std::vector{gemm.m} : rows_;
  for (const measure::AlgorithmInfo& one : proposed(backend_, gemm)) {
    const auto whole = [&](std::int64_t rows) {
      op::Gemm with_rows = gemm;
      with_rows.m = rows;
      return is_whole(with_rows, one.key);
    };
    if (std::all_of(all_rows.begin(), all_rows.end(), whole)) return one.key;
  }
  throw Error(fmt::format(
      "product {}x{}x{}{}: the library proposes no algorithm that sums k in one piece{}; use another dtype, or "
      "sizes that are multiples of 8",
      gemm.m, gemm.n, gemm.k, gemm.epilogue == op::Epilogue::none ? "" : " with bias",
      rows_.empty() ? "" : " and runs for fewer rows too"));
}

bool SplitFree::is_whole(const op::Gemm& gemm, const char* key) const {
  measure::Plan* plan = nullptr;
  const measure::Status status = backend_.plan_kernel(measure::ProductKernel{.gemm = gemm}, key, &plan);
  const std::unique_ptr<measure::Plan> planned(plan);
  if (status.code == measure::StatusCode::unsupported) return false;
  measure::require(status);
  return cuts_nothing(plan->algorithm());
}

}  // namespace gemmetry::run
