#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "gemmetry/report/document.h"
#include "gemmetry/run/serve/trace.h"
#include "gemmetry/shape/model.h"

namespace gemmetry::cli {

/// Which requests come, and when.
class TraceOptions {
 public:
  TraceOptions();

  /// `from_file`: --trace takes a file of requests in place of random ones.
  void add_to(CLI::App& app, bool from_file);

  /// The trace. Error for options that contradict each other, or a file that is wrong.
  run::Trace trace(std::int64_t vocab, std::uint64_t seed) const;
  /// The same at another rate, for requests that are not of a file.
  run::Trace trace(std::int64_t vocab, std::uint64_t seed, double rate_per_s) const;

  /// What makes one trace another but the rate and the seed: "200 requests of fixed 256 + lognormal 205 tokens".
  std::string text() const;

  double rate_per_s() const { return random_.rate_per_s; }
  const run::TraceOptions& random() const { return random_; }
  bool from_file() const { return !file_.empty(); }

 private:
  /// random_ with its limits.
  run::TraceOptions limited() const;

  run::TraceOptions random_;
  std::string file_;
  std::optional<std::int64_t> most_prompt_, most_new_tokens_, order_;
  std::vector<const CLI::Option*> of_random_;
};

/// Tokens that the longest request of the trace needs in a slot. Error where the model has not as many positions.
std::int64_t longest_request(const run::Trace& trace, const shape::Model& model);

}  // namespace gemmetry::cli
