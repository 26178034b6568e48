#include "gemmetry/advise/crew.h"

#include <algorithm>
#include <thread>

namespace gemmetry::advise {

Crew::Crew(const ScanPlan& plan, const std::vector<Choices>& all, std::size_t threads) : slices_(slices(all, threads)) {
  const std::size_t useful = std::min(threads, slices_.size());
  scans_.reserve(useful);
  for (std::size_t i = 0; i < useful; ++i) scans_.emplace_back(plan, state_);
}

/// A slice a hidden size; when there are too few of them for the threads, a slice a number of layers.
std::vector<Crew::Slice> Crew::slices(const std::vector<Choices>& all, std::size_t threads) {
  std::vector<Slice> result;
  const bool by_layers = all.size() < 2 * threads;
  for (const Choices& choices : all) {
    const std::span<const std::int64_t> layers = choices.layers;
    for (std::size_t i = 0; i < layers.size(); i += by_layers ? 1 : layers.size())
      result.push_back({&choices, by_layers ? layers.subspan(i, 1) : layers});
  }
  return result;
}

bool Crew::work(const Progress& progress, std::int64_t all) {
  if (progress && !progress(0, all)) return false;
  bool ended = false;
  {
    std::vector<std::jthread> threads;
    // Whatever leaves this scope, an exception of progress() too, the threads stop and are joined.
    const struct StopOnExit {
      ScanState& state;
      ~StopOnExit() { state.stop = true; }
    } stop_on_exit{state_};
    for (Scan& scan : scans_) threads.emplace_back([this, &scan] { run(scan); });
    std::unique_lock lock(mutex_);
    while (!finished_.wait_for(lock, progress_period, [this] { return done_ == scans_.size(); })) {
      if (!progress || ended) continue;
      lock.unlock();
      ended = !progress(state_.seen, all);
      if (ended) state_.stop = true;
      lock.lock();
    }
  }
  if (failure_) std::rethrow_exception(failure_);
  return !ended;
}

void Crew::run(Scan& scan) {
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

}  // namespace gemmetry::advise
