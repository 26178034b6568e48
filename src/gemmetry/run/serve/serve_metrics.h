#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "gemmetry/run/verify/drafts.h"

namespace gemmetry::run {

/// Of times in seconds; zeros where there is none.
struct Spread {
  double mean = 0;
  double p50 = 0;
  double p99 = 0;
};
Spread spread_of(std::span<const double> times_s);

/// Windows that were verified, and what became of their drafts.
struct WindowCount {
  std::int64_t windows = 0;
  std::int64_t kept = 0;         ///< committed, the verifier's at a mismatch among them: drafts that were compared
  std::int64_t rollbacks = 0;    ///< windows with a mismatch, be it at their last place
  std::int64_t rolled_back = 0;  ///< tokens

  void add(const WindowOutcome& outcome);
  WindowCount& operator+=(const WindowCount& other);
};

/// What serving a trace took and gave.
struct ServeMetrics {
  std::int64_t requests = 0;
  std::int64_t answered = 0;
  std::int64_t cancelled = 0;
  std::int64_t unfinished = 0;  ///< cut off or never begun, as serving was stopped
  double time_s = 0;            ///< from the trace's beginning to the end of the last request
  std::int64_t committed = 0;   ///< tokens that were streamed

  Spread first_token_s;  ///< from a request's arrival to its first token
  Spread between_s;      ///< between tokens: of each answered request, its time behind the first over the tokens there
  Spread wait_s;         ///< between deliveries, which are of several tokens where a window is verified
  Spread end_to_end_s;   ///< from arrival to the last token, of answered requests

  std::int64_t prefills = 0;
  std::int64_t prompt_tokens = 0;
  double prefill_s = 0;
  std::int64_t decode_steps = 0;
  std::int64_t decoded = 0;  ///< tokens, thrown away or not
  double decode_s = 0;
  std::map<std::int64_t, std::int64_t> steps_by_batch;  ///< decode steps of so many live requests

  std::int64_t verify_passes = 0;
  double verify_s = 0;
  std::int64_t early_windows = 0;  ///< verified before they were full, as a pass had room
  std::int64_t dummy_windows = 0;
  std::int64_t deterministic_requests = 0;  ///< of those begun
  std::int64_t deterministic_tokens = 0;    ///< committed output tokens of requests that are verified, the first too
  WindowCount windows;
  std::map<std::int64_t, std::int64_t> windows_by_tokens;  ///< how many had so many drafts
  WindowCount full_windows;                                ///< those among them of a whole window
  std::vector<std::int64_t> deterministic_lengths;         ///< output tokens of those answered

  double tokens_per_s() const;
  double mean_batch() const;  ///< live requests of a decode step
  /// Tokens rolled back over tokens committed, of deterministic requests; 0 where there is none.
  double recompute_cost() const;
  /// Mismatches over the drafts that were compared. Nothing where none was.
  std::optional<double> flip_rate() const;
  /// The flip rate at which the closed form has this recompute cost; nothing where none has.
  std::optional<double> inverted_flip_rate(std::int64_t window) const;
};

}  // namespace gemmetry::run
