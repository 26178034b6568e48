#include "gemmetry/cli/operators_section.h"

#include <fmt/format.h>

#include <unordered_set>

#include "gemmetry/cli/setting.h"
#include "gemmetry/cli/step_columns.h"
#include "gemmetry/report/wave_picture.h"

namespace gemmetry::cli {
namespace {

using report::Column;
using report::Unit;
using report::Value;

Value text(std::string_view words) { return std::string(words); }

const op::Step& step_of(const ExplainedOperator& row) { return row.priced.step; }

std::vector<Column<ExplainedOperator>> operator_columns(bool passes) {
  using Row = ExplainedOperator;
  std::vector<Column<Row>> columns = step_columns<Row>(step_of, passes);
  const std::vector<Column<Row>> costs{
      {{.key = "count", .heading = "count"},
       [](const Row& r) { return Value(static_cast<std::int64_t>(r.priced.count)); }},
      {{.key = "flop", .heading = "FLOP", .unit = Unit::flop}, [](const Row& r) { return Value(r.priced.cost.flop); }},
      {{.key = "bytes", .heading = "bytes", .unit = Unit::bytes},
       [](const Row& r) { return Value(r.priced.cost.bytes); }},
      {{.key = "", .heading = "time", .unit = Unit::seconds}, [](const Row& r) { return Value(r.priced.cost.time_s); }},
      {{.key = "time_s", .interval = true}, [](const Row& r) { return Value(interval(r.priced.cost)); }},
      {{.key = "share", .heading = "share", .unit = Unit::fraction}, [](const Row& r) { return Value(r.share); }},
      {{.key = "", .heading = "rate", .unit = Unit::flop_per_s},
       [](const Row& r) {
         const op::Cost& cost = r.priced.cost;
         return cost.flop > 0 && cost.time_s > 0 ? Value(cost.flop / cost.time_s) : Value();
       }},
      {{.key = "bound", .heading = "bound"}, [](const Row& r) { return text(name(r.priced.cost.bound)); }},
      {{.key = "reason", .heading = "why", .wrap = true}, [](const Row& r) { return Value(r.reason); }},
  };
  columns.insert(columns.end(), costs.begin(), costs.end());
  return columns;
}

}  // namespace

report::Section operators_section(const Explanation& explained, bool one_layer) {
  const bool passes = has_passes(explained.operators, step_of);
  return {"operators",
          one_layer ? "One layer of each kind" : "Operators (count: times in the whole model; time: of one)",
          report::List{make_table(operator_columns(passes), explained.operators)}};
}

std::vector<report::Section> wave_sections(const Explanation& explained, const predict::Predictor& predictor) {
  std::vector<report::Section> sections;
  std::unordered_set<op::Operator, op::OperatorHash> drawn;
  for (const ExplainedOperator& row : explained.operators) {
    const op::Step& step = step_of(row);
    const auto* gemm = std::get_if<op::Gemm>(&step.op);
    if (!gemm || !drawn.insert(step.op).second) continue;
    const predict::GemmPlan plan = predictor.plan(*gemm);
    const std::string picture = report::wave_picture({predictor.gpu().sms, plan.tiles, plan.waves, plan.last_wave_use});
    if (picture.empty()) continue;
    sections.push_back(
        {"", fmt::format("Waves of {}: {}", name(step.module), dims(step.op)), report::Picture{picture}});
  }
  return sections;
}

}  // namespace gemmetry::cli
