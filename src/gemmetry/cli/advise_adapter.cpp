#include "gemmetry/cli/advise_adapter.h"

#include <fmt/format.h>

#include <algorithm>

#include "gemmetry/advise/adapter_rank.h"
#include "gemmetry/base/error.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/setting.h"
#include "gemmetry/report/number.h"
#include "gemmetry/shape/adapter.h"

namespace gemmetry::cli {
namespace {

using advise::AdapterCost;
using report::Column;
using report::Unit;
using report::Value;

constexpr double usual_limit = 0.05;

/// A rank and, where that is another, what it is padded to.
struct Row {
  AdapterCost own;
  std::optional<AdapterCost> padded;
  double limit = 0;
};

/// All that the answer is made of.
struct Answer {
  shape::AdapterKind kind;
  double limit = 0;
  double time_s = 0;  ///< without an adapter
  std::optional<AdapterCost> largest;
  std::optional<AdapterCost> for_sure;  ///< the largest whose whole interval is under the limit
  std::optional<AdapterCost> cheapest;  ///< where none is under the limit
};

/// Ratio 1.05 as a slow-down of 5 %.
report::Interval slowdown(const AdapterCost& cost) {
  return {cost.slowdown.value - 1, cost.slowdown.low - 1, cost.slowdown.high - 1};
}

report::Tone tone(const AdapterCost& cost, double limit) {
  if (cost.slowdown.high <= 1 + limit) return report::Tone::good;
  return cost.slowdown.low > 1 + limit ? report::Tone::bad : report::Tone::warn;
}

std::vector<Column<Row>> rank_columns() {
  const auto padded = [](auto get) {
    return [get](const Row& r) { return r.padded ? Value(get(*r.padded)) : Value(); };
  };
  return {
      {{.key = "rank", .heading = "r"}, [](const Row& r) { return Value(r.own.rank); }},
      {{.key = "parameters", .heading = "parameters", .unit = Unit::count},
       [](const Row& r) { return Value(r.own.parameters); }},
      {{.key = "time_s", .heading = "time", .unit = Unit::seconds},
       [](const Row& r) { return Value(r.own.time.value); }},
      {{.key = "slowdown", .heading = "slow-down", .unit = Unit::fraction, .interval = true},
       [](const Row& r) { return Value(slowdown(r.own)); },
       [](const Row& r) { return tone(r.own, r.limit); }},
      {{.key = "under_limit"}, [](const Row& r) { return Value(r.own.slowdown.value <= 1 + r.limit); }},
      {{.key = "padded.rank", .heading = "padded"}, padded([](const AdapterCost& c) { return c.rank; })},
      {{.key = "padded.time_s"}, padded([](const AdapterCost& c) { return c.time.value; })},
      {{.key = "padded.slowdown", .heading = "slow-down padded", .unit = Unit::fraction, .interval = true},
       padded(slowdown),
       [](const Row& r) { return r.padded ? tone(*r.padded, r.limit) : report::Tone::plain; }},
  };
}

std::vector<Column<Answer>> answer_columns() {
  const auto found = [](auto get) {
    return [get](const Answer& a) { return a.largest ? Value(get(*a.largest)) : Value(report::Unknown{}); };
  };
  const auto for_sure = [](const Answer& a) { return a.for_sure ? Value(a.for_sure->rank) : Value(report::Unknown{}); };
  return {
      {{.key = "kind", .heading = "adapter"}, [](const Answer& a) { return Value(std::string(name(a.kind))); }},
      {{.key = "limit", .heading = "limit", .unit = Unit::fraction}, [](const Answer& a) { return Value(a.limit); }},
      {{.key = "time_without_s", .heading = "time without", .unit = Unit::seconds},
       [](const Answer& a) { return Value(a.time_s); }},
      {{.key = "rank", .heading = "largest r"}, found([](const AdapterCost& c) { return c.rank; })},
      {{.key = "slowdown", .heading = "slow-down", .unit = Unit::fraction, .interval = true}, found(slowdown)},
      {{.key = "parameters", .heading = "parameters", .unit = Unit::count},
       found([](const AdapterCost& c) { return c.parameters; })},
      {{.key = "rank_for_sure", .heading = "whole interval under it"}, for_sure},
  };
}

Answer answer_of(advise::AdapterRanks& ranks, shape::AdapterKind kind, double limit) {
  Answer answer{kind, limit, ranks.time_s(), ranks.largest(limit), ranks.largest(limit, true), std::nullopt};
  if (!answer.largest) answer.cheapest = ranks.cheapest();
  return answer;
}

std::vector<Row> rows(advise::AdapterRanks& ranks, std::vector<std::int64_t> shown, const Answer& answer) {
  for (const auto& found : {answer.largest, answer.for_sure, answer.cheapest})
    if (found) shown.push_back(found->rank);
  std::sort(shown.begin(), shown.end());
  shown.erase(std::unique(shown.begin(), shown.end()), shown.end());
  std::vector<Row> all;
  for (const std::int64_t rank : shown) {
    Row& row = all.emplace_back(Row{ranks.cost(rank), std::nullopt, answer.limit});
    if (advise::padded_rank(rank) != rank) row.padded = ranks.cost(advise::padded_rank(rank));
  }
  return all;
}

std::vector<std::string> notes(const Answer& answer, const shape::Model& model) {
  const std::string limit = report::shown(answer.limit, Unit::fraction);
  if (!answer.largest)
    return {fmt::format("No rank stays under {}: the cheapest, {}, slows down by {}.", limit, answer.cheapest->rank,
                        report::shown(answer.cheapest->slowdown.value - 1, Unit::fraction))};
  if (answer.kind == shape::AdapterKind::lora_merged)
    return {"A merged adapter is part of the weights: it runs the model's own operators, at any rank."};
  if (answer.largest->rank == model.hidden)
    return {fmt::format("Every rank up to the hidden size {} stays under {}.", model.hidden, limit)};
  return {};
}

}  // namespace

void AdapterAdvice::add_to(CLI::App& app) {
  constexpr auto group = "Rank of an adapter (--adapter KIND)";
  const auto read_limit = [this](const std::string& what, const std::string& text) { limit_ = share(what, text); };
  const auto read_ranks = [this](const std::string& what, const std::string& text) {
    for (const std::string& rank : comma_list(text)) ranks_.push_back(whole_number(what, rank));
  };
  for (const CLI::Option* option : app.get_options())
    if (option->get_group() == "Search") of_search_.push_back(option);
  add_text(app, "--slowdown", "SHARE", "find the largest rank that slows a forward pass down by no more", read_limit)
      ->default_str("5%")
      ->group(group);
  add_text(app, "--ranks", "N,N,...", "ranks to show; powers of two and LoRA's unless stated", read_ranks)
      ->group(group);
}

bool AdapterAdvice::asked(const shape::ModelEdit& edit) const {
  const bool without_rank = edit.adapter && !edit.adapter_rank;
  for (const CLI::Option* option : of_search_)
    if (without_rank && option->count() > 0)
      throw Error(
          fmt::format("{} is of the search for shapes, --adapter {} asks for a rank: state the rank, as in {}:8, "
                      "or leave {} out",
                      option->get_name(), *edit.adapter, *edit.adapter, option->get_name()));
  if (without_rank || (!limit_ && ranks_.empty())) return without_rank;
  if (!edit.adapter) throw Error("--slowdown and --ranks are of an adapter: name its kind, as in --adapter houlsby");
  throw Error(fmt::format("--slowdown and --ranks look for the rank: leave {} out of --adapter {}:{}",
                          *edit.adapter_rank, *edit.adapter, *edit.adapter_rank));
}

double AdapterAdvice::limit() const { return limit_.value_or(usual_limit); }

std::vector<std::int64_t> AdapterAdvice::ranks(std::int64_t hidden) const {
  for (const std::int64_t rank : ranks_)
    if (rank > hidden) throw Error(fmt::format("--ranks {}: expected at most the hidden size {}", rank, hidden));
  return ranks_.empty() ? advise::usual_ranks(hidden) : ranks_;
}

ExitCode advise_adapter(const ModelOptions& models, WorkloadOptions workloads, const GpuOptions& gpus,
                        const OutputOptions& output, const AdapterAdvice& advice, const Console& console) {
  const shape::AdapterKind kind = shape::adapter_kind_from_name(*models.edit().adapter);
  const shape::Model model = models.without_adapter();
  const predict::Predictor predictor = gpus.predictor();
  workloads.set_default(shape::Phase::forward);
  const shape::Workload workload = workloads.workload(model, predictor.gpu());
  shape::require_possible(workload, model);

  advise::AdapterRanks ranks(model, workload, kind, predictor);
  const Answer answer = answer_of(ranks, kind, advice.limit());
  report::Document document;
  document.csv = "ranks";
  document.sections = {
      model_section(model),
      workload_section(workload),
      gpu_section(predictor),
      {"adapter", "The largest rank under the limit", report::Facts{make_table(answer_columns(), answer)}},
      {"ranks", "Slow-down by rank, 90 % intervals",
       report::List{make_table(rank_columns(), rows(ranks, advice.ranks(model.hidden), answer))}},
      {"notes", "", report::Notes{notes(answer, model)}},
  };
  output.write(document, console);
  return answer.largest ? exit_ok : exit_finding;
}

}  // namespace gemmetry::cli
