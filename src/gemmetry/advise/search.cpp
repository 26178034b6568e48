#include "gemmetry/advise/search.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "gemmetry/advise/ranking.h"
#include "gemmetry/advise/scan.h"

namespace gemmetry::advise {
namespace {

constexpr auto progress_period = std::chrono::milliseconds(100);
constexpr std::size_t spare = 4;               // found for one kept: some turn out to take the same time
constexpr std::size_t widths_of_skeleton = 1;  // neighbours in FFN width tell the user little

/// A share of the work: shapes of one hidden size with these numbers of layers.
struct Slice {
  const Choices* choices;
  std::span<const std::int64_t> layers;
};

std::vector<Choices> all_choices(const Space& space) {
  std::vector<Choices> all;
  for (const std::int64_t hidden : space.hidden()) all.push_back(space.at(hidden));
  std::erase_if(all, [](const Choices& choices) { return choices.shapes() == 0; });
  return all;
}

/// A slice a hidden size; when there are too few of them for the threads, a slice a number of layers.
std::vector<Slice> slices(const std::vector<Choices>& all, std::size_t threads) {
  std::vector<Slice> result;
  const bool by_layers = all.size() < 2 * threads;
  for (const Choices& choices : all) {
    const std::span<const std::int64_t> layers = choices.layers;
    for (std::size_t i = 0; i < layers.size(); i += by_layers ? 1 : layers.size())
      result.push_back({&choices, by_layers ? layers.subspan(i, 1) : layers});
  }
  return result;
}

/// Threads that take one slice after another; the caller's thread reports progress meanwhile.
class Crew {
 public:
  Crew(const ScanPlan& plan, std::vector<Slice> slices, std::size_t threads) : slices_(std::move(slices)) {
    scans_.reserve(threads);
    for (std::size_t i = 0; i < threads; ++i) scans_.emplace_back(plan, state_);
  }

  /// True when all slices were done.
  bool work(const std::function<bool(std::int64_t, std::int64_t)>& progress, std::int64_t all) {
    if (progress && !progress(0, all)) return false;
    {
      std::vector<std::jthread> threads;
      // Also when progress() throws: the threads are joined on the way out.
      const struct Stop {
        ScanState& state;
        ~Stop() { state.stop = true; }
      } stop_on_exit{state_};
      for (Scan& scan : scans_) threads.emplace_back([this, &scan] { run(scan); });
      bool going_on = true;
      std::unique_lock lock(mutex_);
      while (!finished_.wait_for(lock, progress_period, [this] { return done_ == scans_.size(); })) {
        if (!progress || !going_on) continue;
        lock.unlock();
        going_on = progress(state_.seen, all);
        if (!going_on) state_.stop = true;
        lock.lock();
      }
      interrupted_ = state_.stop;
    }
    if (failure_) std::rethrow_exception(failure_);
    return !interrupted_;
  }

  const std::vector<Scan>& scans() const { return scans_; }
  std::int64_t seen() const { return state_.seen; }

 private:
  void run(Scan& scan) {
    try {
      for (std::size_t i = next_++; i < slices_.size() && !state_.stop; i = next_++)
        scan.run(*slices_[i].choices, slices_[i].layers);
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      state_.stop = true;
    }
    const std::scoped_lock lock(mutex_);
    ++done_;
    finished_.notify_one();
  }

  ScanState state_;
  std::vector<Slice> slices_;
  std::vector<Scan> scans_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  std::condition_variable finished_;
  std::size_t done_ = 0;
  bool interrupted_ = false;
  std::exception_ptr failure_;
};

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
  std::int64_t candidates = 0;
  for (const Choices& choices : all) {
    result.enumerated += choices.shapes();
    candidates += count_candidates(space, choices);
  }
  const std::size_t threads = thread_count(options.threads);
  Crew crew(plan, slices(all, threads), threads);
  result.complete = crew.work(options.progress, candidates);

  Best best(spare * options.keep);
  ParetoFront front;
  for (const Scan& scan : crew.scans()) {
    best.offer(scan.best());
    front.offer(scan.front());
  }
  result.seen = crew.seen();
  result.distinct_products = distinct_products(crew.scans());
  result.candidates = ranking.ranked(std::move(best).sorted(), options.keep);
  for (const Tradeoff& tradeoff : front.sorted(options.keep)) result.pareto.push_back(ranking.candidate(tradeoff.found.sizes));
  return result;
}

bool anything_better(const SearchResult& result) {
  return std::ranges::any_of(result.candidates, [](const Candidate& candidate) { return candidate.gain.low > 1; });
}

}  // namespace gemmetry::advise
