#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/report/table.h"
#include "gemmetry/run/serve/serve_metrics.h"
#include "gemmetry/run/verify/pass_shape.h"

namespace gemmetry::cli {

/// A trace that was served.
struct ServeRow {
  std::optional<run::PassShape> shape;  ///< of verification passes; nothing: nobody was verified
  const run::ServeMetrics& metrics;
};

/// The field table of what serving took and gave.
std::vector<report::Column<ServeRow>> serve_columns();

/// A flip rate in per cent with three digits: "0.451 %".
std::string rate_text(std::optional<double> rate);

/// Decoding steps by the number of live requests.
report::Table steps_table(const run::ServeMetrics& metrics);

}  // namespace gemmetry::cli
