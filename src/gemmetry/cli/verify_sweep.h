#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/cli/console.h"
#include "gemmetry/cli/serve_session.h"
#include "gemmetry/cli/trace_options.h"
#include "gemmetry/cli/verify_cell.h"
#include "gemmetry/op/cost_model.h"

namespace gemmetry::cli {

/// One way to serve the trace that a sweep measures.
struct VerifyQuestion {
  double rate_per_s = 0;
  double deterministic = 1;
  std::optional<run::PassShape> shape;
  bool fixed_batch = false;
};

/// How a sweep goes on.
struct VerifySweepOptions {
  std::string file;            ///< cells are kept there and not measured again; empty: nowhere
  std::int64_t rollbacks = 1;  ///< rounds are repeated until a verified cell has as many
  std::int64_t most_rounds = 20;
  std::optional<double> time_budget_s;
  double host_s = 0;  ///< as ModelPricesOptions::host_s, of predictions
  std::uint64_t seed = 1;
};

/// Measures the questions in their order, each served by the same engine where it can be. Ends early, with what it has,
/// on Ctrl-C or when the budget is used up. `costs`: of the device's GPU, for predictions beside; null: it has none.
std::vector<VerifyCell> sweep_cells(ServeSession& session, const TraceOptions& traces,
                                    const std::vector<VerifyQuestion>& questions, const VerifySweepOptions& options,
                                    const op::CostModel* costs, const Console& console);

}  // namespace gemmetry::cli
