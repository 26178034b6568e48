#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/op/cost_model.h"
#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::advise {

/// Which sizes a search may change. An FFN width or KV heads that are not free keep their ratio to the hidden size or
/// the heads.
struct Free {
  bool heads = true;
  bool kv_heads = false;
  bool ffn = true;    ///< of the dense layers, or of each expert in a model that has experts
  bool vocab = true;  ///< grows only
  bool hidden = false;
  bool layers = false;
};

struct SearchOptions {
  Free free;
  /// Candidates have between (1 - smaller) and (1 + tolerance) of `parameters`. By default none is smaller: a smaller
  /// model is faster for being smaller, which is no merit of its shape.
  double tolerance = 0.02;
  double smaller = 0;
  std::optional<std::int64_t> parameters;  ///< of the given model when absent
  std::vector<std::int64_t> head_dims{64, 80, 96, 128, 192, 256};
  double ffn_over_hidden_low = 0;  ///< 0: a quarter below and above the model's own ratio
  double ffn_over_hidden_high = 0;
  double depth_over_width_low = 0;  ///< layers / hidden, relative to the given model's; 0: from 0.5 to 2
  double depth_over_width_high = 0;
  std::size_t keep = 20;  ///< candidates returned
  int threads = 0;        ///< 0: as many as the machine has
  /// Also the Pareto front of time per token of the workload, decode time per token and KV bytes per token.
  bool pareto = false;
  std::int64_t decode_batch = 1;     ///< of the Pareto front: sequences decoded together
  std::int64_t decode_cache = 2048;  ///< and tokens in the cache of each
  /// Called on the caller's thread about ten times a second, with the number of candidates seen and of all (while they
  /// are still being counted: 0 of those counted); returning false ends the search early.
  std::function<bool(std::int64_t seen, std::int64_t all)> progress;
};

struct Candidate {
  shape::Model model;
  std::int64_t parameters = 0;
  double time_per_token_s = 0;
  op::Ratio gain;      ///< time of the given model over this one's, 90 % interval; above 1 is faster
  int group = 0;       ///< candidates of one group cannot be told apart from its first; 0 is the fastest
  std::string change;  ///< what differs from the given model: "heads 32 -> 20, vocab 50257 -> 50304"
  /// With `pareto`: seconds per token in decode, and KV bytes per token of one sequence on one GPU.
  std::optional<double> decode_time_s;
  std::optional<double> kv_bytes_per_token;
};

struct SearchResult {
  Candidate current;
  /// Fastest first; the given shape itself is not among them. Of one choice of hidden size, layers and heads only the
  /// best few FFN widths are listed, each with its best vocabulary, and of shapes that take exactly the same time the
  /// one that changes least.
  std::vector<Candidate> candidates;
  std::vector<Candidate> pareto;       ///< least time first, at most `keep`
  std::int64_t seen = 0;               ///< candidates within the tolerance, each of them priced
  std::int64_t enumerated = 0;         ///< shapes of the whole space, those outside the tolerance included
  std::int64_t distinct_products = 0;  ///< different matrix products priced on the way
  bool complete = true;                ///< false when ended early
};

/// Searches the shapes around `model` with about the same parameter count for the least time per token of `workload`.
/// Error when the model cannot run the workload, or when nothing is free. The result does not depend on the number of
/// threads.
SearchResult search(const shape::Model& model, const shape::Workload& workload, const SearchOptions& options,
                    const op::CostModel& costs);

/// Whether some candidate is faster than the given shape beyond the error of the comparison.
bool anything_better(const SearchResult& result);

}  // namespace gemmetry::advise
