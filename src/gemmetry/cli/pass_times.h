#pragma once

#include <cstdint>
#include <vector>

#include "gemmetry/cli/console.h"
#include "gemmetry/cli/serve_session.h"
#include "gemmetry/op/cost_model.h"
#include "gemmetry/report/document.h"

namespace gemmetry::cli {

/// Times verification passes of each shape and decoding steps of 1, 2, 4, ... requests, `repeats` times each after a
/// first one, every request with `context` tokens in its slot. `costs` as in sweep_cells.
report::Section pass_times(ServeSession& session, const std::vector<run::PassShape>& shapes, std::int64_t context,
                           std::int64_t repeats, const op::CostModel* costs, double host_s, const Console& console);

}  // namespace gemmetry::cli
