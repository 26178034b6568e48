#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/op/cost_model.h"
#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::advise {

/// Which sizes a search may change.
struct Free {
  bool heads = true;
  bool kv_heads = false;
  bool ffn = true;
  bool vocab = true;  ///< grows only
  bool hidden = false;
  bool layers = false;
};

struct SearchOptions {
  Free free;
  /// Candidates have between (1 - tolerance) and (1 + tolerance) of `parameters`.
  double tolerance = 0.02;
  std::optional<std::int64_t> parameters;  ///< of the given model when absent
  std::vector<std::int64_t> head_dims{64, 80, 96, 128, 192, 256};
  double ffn_over_hidden_low = 0;   ///< 0: from the model: a band around its own ratio
  double ffn_over_hidden_high = 0;
  double depth_over_width_low = 0;  ///< layers / hidden, relative to the given model's: 0.5..2 by default
  double depth_over_width_high = 0;
  std::size_t keep = 20;      ///< candidates returned
  int threads = 0;            ///< 0: as many as the machine has
  bool pareto = false;        ///< also the front of training time, decode time and KV bytes
  /// Called now and then with the number of candidates seen and of all; returning false ends the search early.
  std::function<bool(std::int64_t seen, std::int64_t all)> progress;
};

struct Candidate {
  shape::Model model;
  std::int64_t parameters = 0;
  double time_per_token_s = 0;
  op::Ratio gain;  ///< time of the given model over this one's, 90 % interval; above 1 is faster
  int group = 0;   ///< candidates of one group cannot be told apart; 0 is the fastest
  std::string change;  ///< what differs from the given model: "heads 32 -> 20, vocab 50257 -> 50304"
  /// With `pareto`: seconds per token in decode, and KV bytes per token.
  std::optional<double> decode_time_s;
  std::optional<double> kv_bytes_per_token;
};

struct SearchResult {
  Candidate current;
  std::vector<Candidate> candidates;  ///< fastest first
  std::vector<Candidate> pareto;
  std::int64_t seen = 0;              ///< candidates within the tolerance that were priced
  std::int64_t enumerated = 0;        ///< shapes looked at
  std::int64_t distinct_products = 0; ///< operators priced
  bool complete = true;               ///< false when ended early
};

/// Searches the shapes around `model` with about the same parameter count for the least time per token of `workload`.
/// Error when the model cannot run the workload, or when nothing is free.
SearchResult search(const shape::Model& model, const shape::Workload& workload, const SearchOptions& options,
                    const op::CostModel& costs);

}  // namespace gemmetry::advise
