#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/report/table.h"
#include "gemmetry/run/serve/serve_metrics.h"
#include "gemmetry/run/verify/pass_shape.h"

namespace gemmetry::cli {

/// One way to serve a trace and what was measured of it: a row of the file that `measure verify` keeps.
struct VerifyCell {
  std::string setting;  ///< model, device, requests: cells of one setting can be compared
  std::string mode;     ///< "verified", "unverified", "batch_invariant"
  double rate_per_s = 0;
  double deterministic = 0;
  std::int64_t batch = 0;  ///< 0: nobody is verified
  std::int64_t window = 0;

  // Of the trace, served once.
  double mean_new_tokens = 0;
  double time_s = 0;
  double tokens_per_s = 0;
  double end_to_end_mean_s = 0;
  double end_to_end_p50_s = 0;
  double end_to_end_p99_s = 0;
  double first_token_p50_s = 0;
  double first_token_p99_s = 0;
  double mean_batch = 0;
  std::int64_t decode_steps = 0;
  double decode_time_s = 0;
  double prefill_time_s = 0;
  std::int64_t verify_passes = 0;
  double verify_time_s = 0;
  double pass_time_s = 0;
  std::int64_t early_windows = 0;
  std::int64_t dummy_windows = 0;

  // Of as many rounds as had enough rollbacks.
  std::int64_t rounds = 0;
  std::int64_t windows = 0;
  std::int64_t rollbacks = 0;
  std::int64_t rolled_back_tokens = 0;
  std::int64_t compared_tokens = 0;
  std::int64_t deterministic_tokens = 0;
  double recompute_cost = 0;
  std::optional<double> flip_rate;
  std::optional<double> inverted_flip_rate;
  std::optional<double> closed_form;  ///< at flip_rate, of answers of the same lengths, none verified early
  std::optional<double> window_form;  ///< at flip_rate, of windows of the lengths that were verified

  // What was predicted for the trace at flip_rate, where the device's GPU is known.
  std::optional<double> predicted_time_s;
  std::optional<double> predicted_p99_s;
  std::optional<double> predicted_pass_s;

  run::PassShape shape() const { return {batch, window}; }
  /// Whether it answers the same question.
  bool same_question(const VerifyCell& other) const;
};

report::Table cell_table(const std::vector<VerifyCell>& cells);

/// Cells of a file that cell_table(...) was written to as CSV. Error naming file and line for what is none.
std::vector<VerifyCell> read_cells(const std::string& path);

}  // namespace gemmetry::cli
