#include "gemmetry/advise/search.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "gemmetry/advise/crew.h"
#include "gemmetry/advise/ranking.h"
#include "gemmetry/advise/scan.h"

namespace gemmetry::advise {
namespace {

constexpr std::size_t spare = 4;               // found for one kept: some turn out to take the same time
constexpr std::size_t widths_of_skeleton = 1;  // neighbours in FFN width tell the user little

/// Those nearest to the given hidden size first: a search that is ended early has seen what is most alike.
std::vector<Choices> all_choices(const Space& space) {
  std::vector<Choices> all;
  for (const std::int64_t hidden : space.hidden()) all.push_back(space.at(hidden));
  std::erase_if(all, [](const Choices& choices) { return choices.shapes() == 0; });
  std::ranges::stable_sort(all, {},
                           [own = space.origin().hidden](const Choices& c) { return std::abs(c.hidden - own); });
  return all;
}

/// How many shapes will be priced; nothing when `progress` ends the count, which takes seconds where the space is huge.
std::optional<std::int64_t> count_all(const Space& space, const std::vector<Choices>& all, const Progress& progress) {
  std::int64_t count = 0;
  auto reported = std::chrono::steady_clock::now();
  for (const Choices& choices : all) {
    count += count_candidates(space, choices);
    const auto now = std::chrono::steady_clock::now();
    if (!progress || now - reported < progress_period) continue;
    if (!progress(0, count)) return std::nullopt;
    reported = now;
  }
  return count;
}

std::size_t thread_count(int asked) {
  return asked > 0 ? static_cast<std::size_t>(asked) : std::max(1u, std::thread::hardware_concurrency());
}

/// Choices of hidden size, layers and heads.
std::size_t skeletons(const std::vector<Choices>& all) {
  std::size_t count = 0;
  for (const Choices& choices : all) count += choices.layers.size() * choices.attention.size();
  return count;
}

std::optional<shape::Workload> decode_workload(const shape::Workload& workload, const SearchOptions& options) {
  if (!options.pareto) return std::nullopt;
  shape::Workload decode = workload;
  decode.phase = shape::Phase::decode;
  decode.batch = options.decode_batch;
  decode.cache = options.decode_cache;
  decode.sequence_parallel = false;
  return decode;
}

std::int64_t distinct_products(const std::vector<Scan>& scans) {
  std::vector<std::size_t> products;
  for (const Scan& scan : scans) products.insert(products.end(), scan.products().begin(), scan.products().end());
  std::ranges::sort(products);
  return std::ranges::unique(products).begin() - products.begin();
}

}  // namespace

SearchResult search(const shape::Model& model, const shape::Workload& workload, const SearchOptions& options,
                    const op::CostModel& costs) {
  shape::validate(model);
  shape::validate(workload, model);
  shape::require_possible(workload, model);
  const std::optional<shape::Workload> decode = decode_workload(workload, options);
  if (decode) shape::validate(*decode, model);

  const Space space(model, workload, options);
  const Ranking ranking(model, workload, costs, decode);
  const std::vector<Choices> all = all_choices(space);
  const std::size_t widths = skeletons(all) == 1 ? spare * options.keep : widths_of_skeleton;
  const ScanPlan plan{space, workload, costs, spare * options.keep, widths, decode ? &*decode : nullptr};

  SearchResult result;
  result.current = ranking.current();
  for (const Choices& choices : all) result.enumerated += choices.shapes();
  const std::optional<std::int64_t> candidates = count_all(space, all, options.progress);
  Crew crew(plan, all, thread_count(options.threads));
  result.complete = candidates && crew.work(options.progress, *candidates);

  Best best(spare * options.keep);
  ParetoFront front;
  for (const Scan& scan : crew.scans()) {
    best.offer(scan.best());
    front.offer(scan.front());
  }
  result.seen = crew.seen();
  result.distinct_products = distinct_products(crew.scans());
  result.candidates = ranking.ranked(std::move(best).sorted(), options.keep);
  for (const Tradeoff& tradeoff : front.sorted(options.keep))
    result.pareto.push_back(ranking.candidate(tradeoff.found.sizes));
  return result;
}

bool anything_better(const SearchResult& result) {
  return std::ranges::any_of(result.candidates, [](const Candidate& candidate) { return candidate.gain.low > 1; });
}

}  // namespace gemmetry::advise
