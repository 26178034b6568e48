#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gemmetry/gpu/gpu.h"
#include "gemmetry/measure/record.h"
#include "gemmetry/study/claim.h"
#include "gemmetry/study/expression.h"

namespace gemmetry::study {

/// A value that a study file states: a number by a formula, or a word ("nt", "bf16", "true").
struct Rule {
  std::string word;                   ///< where there is no formula
  std::optional<Expression> formula;  ///< of a whole number
};

using Rules = std::map<std::string, Rule, std::less<>>;

/// One operator a point: fields of op::fields by name.
struct OperatorRules {
  std::string kind;  ///< "gemm", "attention", ...; "bmm" is a gemm
  Rules fields;
};

/// A model a point, lowered: what counts of it.
struct ModelRules {
  std::string model;  ///< preset; empty: from sizes alone
  Rules sizes;        ///< fields of shape::ModelEdit
  Rules workload;     ///< phase, batch, sequence, cache, dtype, tensor_parallel, attention, projections
  /// "layer", "attention block", "model", or modules as the paper's Table II names them: "QKV Transform + Attention"
  std::string part;
  std::string of;      ///< the part that a share is of; empty: shares are not asked for
  bool whole = false;  ///< its points are executed in one piece, see measure::Whole
};

/// The axis of a study: a name and the values it takes, as measure::axis_values reads them.
struct Sweep {
  std::string name;
  std::vector<std::int64_t> values;
};

/// One of the lines of a chart: the same points under other rules.
struct Series {
  std::string label;
  std::vector<std::pair<std::string, Expression>> let;  ///< over the study's, and over its axes
  Rules fields;                                         ///< over the operator's, or over the workload's and sizes
  std::string part;                                     ///< over the model's; empty: as that
  std::optional<gpu::Clocks> clocks;                    ///< absent: as asked for
  std::optional<measure::Policy> policy;
  measure::Replay launch = measure::Replay::graph;
  std::string note;  ///< why it is there beside the paper's own
};

enum class Quantity {
  tflops,
  time,
  bandwidth,
  time_per_token,
  slowdown,  ///< time over that of the point's baseline: 1 is none
  share,     ///< of the time of a larger part, up to 1
};
enum class Mark { line, points, bars, heatmap };

struct Chart {
  std::string x;  ///< a variable
  std::string x_title;
  Quantity y = Quantity::tflops;
  Mark mark = Mark::line;
  std::optional<Expression> color;  ///< points of one value share a colour; absent: of one series
  std::string color_title;
  std::optional<Expression> row;  ///< of a heatmap: points of one value share a row of cells
  std::string row_title;
  std::optional<Expression> panel;  ///< of a heatmap: points of one value share a panel; absent: of one series
  std::string panel_title;
  bool log_x = false;
  bool log_y = false;
};

/// A named experiment, as its file states it.
struct Study {
  std::string name;                  ///< the file's, without ending
  std::vector<std::string> figures;  ///< as the paper numbers them: "7a"
  std::string title, source;
  std::vector<std::string> notes;                       ///< what was really run, and what is wrong with the figure
  std::vector<Sweep> axes;                              ///< all combinations, the last running fastest
  std::vector<std::pair<std::string, Expression>> let;  ///< in order: each may use those before it
  std::optional<Expression> where;                      ///< combinations for which it is 0 are left out
  std::optional<OperatorRules> op;                      ///< either this
  std::optional<ModelRules> model;                      ///< or that
  /// What a slow-down is against: the same point with these names at other values.
  std::vector<std::pair<std::string, Expression>> baseline;
  std::vector<Series> series;  ///< at least one
  Chart chart;
  std::vector<Claim> claims;
};

/// Whether its points are executed in one piece.
inline bool runs_whole(const Study& study) { return study.model && study.model->whole; }

}  // namespace gemmetry::study
