#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <vector>

#include "gemmetry/advise/scan.h"
#include "gemmetry/advise/space.h"

namespace gemmetry::advise {

/// As SearchOptions::progress.
using Progress = std::function<bool(std::int64_t seen, std::int64_t all)>;

inline constexpr auto progress_period = std::chrono::milliseconds(100);

/// Threads that scan the space, each one slice after another, while the caller's thread reports progress.
class Crew {
 public:
  /// Refers to its arguments.
  Crew(const ScanPlan& plan, const std::vector<Choices>& all, std::size_t threads);

  /// True when everything was scanned, false when `progress` ended it. What a cost model throws is thrown here.
  bool work(const Progress& progress, std::int64_t all);

  const std::vector<Scan>& scans() const { return scans_; }
  std::int64_t seen() const { return state_.seen; }

 private:
  /// Shapes of one hidden size with these numbers of layers.
  struct Slice {
    const Choices* choices;
    std::span<const std::int64_t> layers;
  };
  static std::vector<Slice> slices(const std::vector<Choices>& all, std::size_t threads);
  void run(Scan& scan);

  ScanState state_;
  std::vector<Slice> slices_;
  std::vector<Scan> scans_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  std::condition_variable finished_;
  std::size_t done_ = 0;  ///< threads that found nothing more to do
  std::exception_ptr failure_;
};

}  // namespace gemmetry::advise
