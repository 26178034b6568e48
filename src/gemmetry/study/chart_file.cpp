#include "gemmetry/study/chart_file.h"

#include <fmt/format.h>

#include <array>

#include "gemmetry/study/operator_rules.h"
#include "gemmetry/study/reading.h"

namespace gemmetry::study {
namespace {

constexpr std::array<Word<Quantity>, 6> quantities{{{"tflops", Quantity::tflops},
                                                    {"time", Quantity::time},
                                                    {"bandwidth", Quantity::bandwidth},
                                                    {"time_per_token", Quantity::time_per_token},
                                                    {"slowdown", Quantity::slowdown},
                                                    {"share", Quantity::share}}};
constexpr std::array<Word<Mark>, 4> marks{
    {{"line", Mark::line}, {"points", Mark::points}, {"bars", Mark::bars}, {"heatmap", Mark::heatmap}}};

/// A formula that tells points apart, and its title: its text unless stated.
void read_titled(const JsonObject& object, const std::string& key, std::optional<Expression>& target,
                 std::string& title) {
  const std::string title_key = key + "_title";
  target = optional_formula(object, key);
  if (target) title = target->text();
  if (object.has(title_key)) title = line(object, title_key);
  if (!target && object.has(title_key)) object.fail(title_key, fmt::format("there is no {} that it would name", key));
}

void check_heatmap(const JsonObject& object, const Chart& chart) {
  const bool heatmap = chart.mark == Mark::heatmap;
  if (heatmap && !chart.row) object.fail("row", "a heatmap has rows: state what tells them apart");
  if (heatmap && chart.color) object.fail("color", "the colour of a heatmap is y: leave it out");
  if (!heatmap && (chart.row || chart.panel))
    object.fail(chart.row ? "row" : "panel", "only a heatmap has it: leave it out, or let mark be heatmap");
}

/// Whether the study has what y needs.
void check_quantity(const JsonObject& object, const Chart& chart, const Study& study) {
  if (chart.y == Quantity::slowdown && study.baseline.empty())
    object.fail("y", "a slow-down needs a baseline: state it beside the chart, as in \"baseline\": {\"r\": 0}");
  if (chart.y != Quantity::slowdown && !study.baseline.empty())
    object.fail("y", "the study's baseline is for slowdown only: leave it out, or chart that");
  const bool states_whole = study.model && !study.model->of.empty();
  if (chart.y == Quantity::share && !states_whole)
    object.fail("y", "a share needs what it is of: state it in the model, as in \"of\": \"layer\"");
  if (chart.y != Quantity::share && states_whole)
    object.fail("y", "the model's 'of' is for share only: leave it out, or chart that");
  if (!study.op) return;
  if (chart.y == Quantity::time_per_token) object.fail("y", "an operator has no tokens: a model has");
  if (chart.y == Quantity::tflops && !counts_flop(study.op->kind))
    object.fail("y", fmt::format("no FLOP are counted of {}: use time or bandwidth", study.op->kind));
}

}  // namespace

Chart chart_from_json(const JsonObject& object, const Study& study) {
  object.refuse_unknown({"x", "x_title", "y", "mark", "color", "color_title", "row", "row_title", "panel",
                         "panel_title", "log_x", "log_y"});
  Chart chart;
  chart.x = line(object, "x");
  chart.x_title = object.has("x_title") ? line(object, "x_title") : chart.x;
  chart.y = word_or<Quantity>(object, "y", quantities, Quantity::tflops);
  chart.mark = word_or<Mark>(object, "mark", marks, Mark::line);
  read_titled(object, "color", chart.color, chart.color_title);
  read_titled(object, "row", chart.row, chart.row_title);
  read_titled(object, "panel", chart.panel, chart.panel_title);
  chart.log_x = object.boolean_or("log_x", false);
  chart.log_y = object.boolean_or("log_y", false);
  check_heatmap(object, chart);
  check_quantity(object, chart, study);
  return chart;
}

}  // namespace gemmetry::study
