#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <vector>

#include "gemmetry/cli/console.h"
#include "gemmetry/cli/exit_code.h"
#include "gemmetry/cli/gpu_options.h"
#include "gemmetry/cli/model_options.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/workload_options.h"

namespace gemmetry::cli {

/// What is asked of `advise --adapter KIND`: the largest rank whose slow-down stays under a limit.
class AdapterAdvice {
 public:
  /// Its options. Those that the group "Search" has by now are of another question.
  void add_to(CLI::App& app);

  /// Whether the rank is what is asked for: an adapter is named without one. Error for its options without that, and
  /// for those of a search with it.
  bool asked(const shape::ModelEdit& edit) const;

  double limit() const;
  /// The ranks to show, the hidden size at most.
  std::vector<std::int64_t> ranks(std::int64_t hidden) const;

 private:
  std::optional<double> limit_;
  std::vector<std::int64_t> ranks_;
  std::vector<const CLI::Option*> of_search_;
};

/// The slow-down of a forward pass, unless another phase is stated, by rank. Exit status 1 when no rank stays under
/// the limit.
ExitCode advise_adapter(const ModelOptions& models, WorkloadOptions workloads, const GpuOptions& gpus,
                        const OutputOptions& output, const AdapterAdvice& advice, const Console& console);

}  // namespace gemmetry::cli
