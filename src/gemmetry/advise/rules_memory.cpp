#include <fmt/format.h>

#include <algorithm>

#include "gemmetry/advise/nearest.h"
#include "gemmetry/advise/rule_list.h"
#include "gemmetry/shape/memory.h"

namespace gemmetry::advise {
namespace {

constexpr std::int64_t most_batch = 1 << 16;

bool fits(const Case& of, const shape::Workload& workload) {
  return shape::memory_per_gpu(of.base(), workload).total() <= of.gpu().memory_bytes;
}

std::string gigabytes(double bytes) { return fmt::format("{:.0f} GB", bytes / 1e9); }

/// The largest microbatch that fits; memory grows with the batch. 0: none.
std::int64_t largest_batch(const Case& of) {
  shape::Workload workload = of.workload();
  const auto batch_fits = [&](std::int64_t batch) {
    workload.batch = batch;
    return fits(of, workload);
  };
  if (!batch_fits(1)) return 0;
  std::int64_t low = 1, high = 2;
  while (high <= most_batch && batch_fits(high)) {
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    const std::int64_t middle = (low + high) / 2;
    (batch_fits(middle) ? low : high) = middle;
  }
  return low;
}

/// The same GPUs with a smaller tensor-parallel degree: in training what it gives up becomes data parallel.
shape::Workload with_tensor_parallel(const shape::Workload& workload, std::int64_t t) {
  shape::Workload changed = workload;
  changed.tensor_parallel = t;
  if (t == 1) changed.sequence_parallel = false;
  if (workload.phase == shape::Phase::training)
    changed.data_parallel = workload.data_parallel * workload.tensor_parallel / t;
  return changed;
}

/// `workload` with so many times the microbatches to an update: two workloads are compared at the same global batch, or
/// the one with more tokens an update would gain by that alone.
shape::Workload with_microbatches(shape::Workload workload, std::int64_t times) {
  workload.microbatches *= times;
  return workload;
}

}  // namespace

std::vector<Finding> microbatch(const Case& of) {
  const shape::Workload& workload = of.workload();
  // In prefill and decode the traffic sets the batch.
  if (workload.phase != shape::Phase::training && workload.phase != shape::Phase::forward) return {};
  Finding finding = of.finding("b");
  finding.value = fmt::format("{}", workload.batch);
  finding.paper_threshold = "as large as fits";
  finding.gpu_threshold = fmt::format("{} of {}", gigabytes(of.gpu().memory_bytes), of.gpu().name);
  const std::int64_t largest = largest_batch(of);
  if (largest <= workload.batch) {
    const double needed = shape::memory_per_gpu(of.base(), workload).total();
    finding.message = largest == workload.batch
                          ? fmt::format("microbatch {} is the largest that fits", largest)
                          : fmt::format("microbatch {} needs {} a GPU and does not fit; {}", workload.batch,
                                        gigabytes(needed), largest > 0 ? fmt::format("{} does", largest) : "none does");
    if (largest < workload.batch) finding.verdict = of.one_of_several() ? Verdict::note : Verdict::costly;
    return {finding};
  }
  shape::Workload changed = workload;
  changed.batch = largest;
  finding.cost = of.saving(with_microbatches(workload, largest), with_microbatches(changed, workload.batch));
  finding.verdict = Verdict::note;
  finding.message = fmt::format("microbatch {}{} fits and {}", largest, largest >= most_batch ? " and more" : "",
                                in_words(finding.cost));
  return {finding};
}

std::vector<Finding> smallest_tensor_parallel(const Case& of) {
  const std::int64_t t = of.tensor_parallel();
  Finding finding = of.finding("t");
  finding.value = fmt::format("{}", t);
  finding.paper_threshold = "as small as fits";
  finding.gpu_threshold = fmt::format("{} of {}", gigabytes(of.gpu().memory_bytes), of.gpu().name);
  const double needed = shape::memory_per_gpu(of.base(), of.workload()).total();
  if (needed > of.gpu().memory_bytes) {
    std::string enough;
    for (std::int64_t larger = t + 1; larger <= 64 && enough.empty(); ++larger) {
      shape::Workload changed = of.workload();
      changed.tensor_parallel = larger;
      if (shape::impossible_splits(changed, of.model()).empty() && fits(of, changed))
        enough = fmt::format("; t = {} does", larger);
    }
    finding.verdict = of.one_of_several() ? Verdict::note : Verdict::costly;
    finding.message = fmt::format("t = {} does not fit: {} needed a GPU{}", t, gigabytes(needed), enough);
    return {finding};
  }
  std::int64_t smallest = t;
  for (std::int64_t smaller = t - 1; smaller >= 1; --smaller) {
    if (t % smaller != 0) continue;
    const shape::Workload changed = with_tensor_parallel(of.workload(), smaller);
    if (shape::impossible_splits(changed, of.base()).empty() && fits(of, changed)) smallest = smaller;
  }
  if (smallest == t) {
    finding.message = fmt::format("t = {} is the smallest that fits: {} needed a GPU", t, gigabytes(needed));
    return {finding};
  }
  finding.cost =
      of.saving(with_microbatches(of.workload(), t / smallest), with_tensor_parallel(of.workload(), smallest));
  finding.verdict = of.one_of_several() ? Verdict::note : grade(true, finding.cost);
  finding.message = fmt::format("t = {} fits already and {}, on the same GPUs", smallest, in_words(finding.cost));
  return {finding};
}

std::vector<Finding> layers_per_stage(const Case& of) {
  const std::int64_t stages = of.workload().pipeline_parallel;
  if (stages == 1) return {};
  const std::int64_t layers = of.model().layers;
  Finding finding = of.finding("L/p");
  finding.paper_threshold = finding.gpu_threshold = fmt::format("multiple of p = {}", stages);
  finding.value =
      fmt::format("{:g} ({}/{})", static_cast<double>(layers) / static_cast<double>(stages), layers, stages);
  if (layers % stages == 0) {
    finding.message = fmt::format("{} layers split evenly over {} stages", layers, stages);
    return {finding};
  }
  finding.verdict = Verdict::impossible;
  finding.message =
      fmt::format("{} layers do not split over {} stages; {} would", layers, stages, multiples_around(layers, stages));
  return {finding};
}

std::vector<Finding> sequence_per_rank(const Case& of) {
  const shape::Workload& workload = of.workload();
  const std::int64_t t = of.tensor_parallel();
  if (!workload.sequence_parallel || workload.phase == shape::Phase::decode || workload.sequence % t == 0) return {};
  Finding finding = of.finding("s/t");
  finding.paper_threshold = finding.gpu_threshold = fmt::format("multiple of t = {}", t);
  finding.value = fmt::format("{:.1f} ({}/{})", static_cast<double>(workload.sequence) / static_cast<double>(t),
                              workload.sequence, t);
  finding.verdict = Verdict::impossible;
  finding.message = fmt::format("sequences of {} tokens do not split over {} GPUs for sequence parallelism; {} would",
                                workload.sequence, t, multiples_around(workload.sequence, t));
  return {finding};
}

}  // namespace gemmetry::advise
