#include "gemmetry/cli/verify_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "gemmetry/cli/pass_heatmap.h"
#include "gemmetry/cli/verify_verdicts.h"
#include "gemmetry/run/verify/published_heatmap.h"

namespace gemmetry::cli {
namespace {

using report::Column;
using report::Section;
using report::Unit;
using report::Value;

/// A measured shape beside the published one.
struct Beside {
  const VerifyCell& cell;
  const run::PublishedCell& published;
};

std::vector<Column<Beside>> beside_columns() {
  using Row = Beside;
  return {
      {{.key = "batch", .heading = "batch"}, [](const Row& r) { return Value(r.cell.batch); }},
      {{.key = "window", .heading = "window"}, [](const Row& r) { return Value(r.cell.window); }},
      {{.key = "recompute_cost", .heading = "recompute cost", .unit = Unit::fraction},
       [](const Row& r) { return Value(r.cell.recompute_cost); }},
      {{.key = "published", .heading = "published", .unit = Unit::fraction},
       [](const Row& r) { return Value(r.published.recompute_cost); }},
      {{.key = "difference", .heading = "difference", .unit = Unit::fraction},
       [](const Row& r) { return Value(r.cell.recompute_cost - r.published.recompute_cost); }},
      {{.key = "end_to_end_p99_s", .heading = "P99", .unit = Unit::seconds},
       [](const Row& r) { return Value(r.cell.end_to_end_p99_s); }},
      {{.key = "published_p99_s", .heading = "published P99", .unit = Unit::seconds},
       [](const Row& r) { return Value(r.published.end_to_end_p99_s); }},
  };
}

/// A way to serve beside nobody verified, in the same setting at the same rate.
struct Relative {
  const VerifyCell& cell;
  const VerifyCell& unverified;
};

std::vector<Column<Relative>> relative_columns() {
  using Row = Relative;
  const auto verified = [](auto get) {
    return [get](const Row& r) { return r.cell.mode == "verified" ? Value(get(r.cell)) : Value(); };
  };
  const auto over = [](double VerifyCell::*part) {
    return [part](const Row& r) { return Value(r.cell.*part / (r.unverified.*part)); };
  };
  return {
      {{.key = "mode", .heading = "mode"}, [](const Row& r) { return Value(r.cell.mode); }},
      {{.key = "rate_per_s", .heading = "requests/s"}, [](const Row& r) { return Value(r.cell.rate_per_s); }},
      {{.key = "deterministic", .heading = "deterministic", .unit = Unit::fraction},
       [](const Row& r) { return Value(r.cell.deterministic); }},
      {{.key = "batch", .heading = "batch"}, verified([](const VerifyCell& c) { return c.batch; })},
      {{.key = "window", .heading = "window"}, verified([](const VerifyCell& c) { return c.window; })},
      {{.key = "throughput_share", .heading = "tokens/s", .unit = Unit::fraction}, over(&VerifyCell::tokens_per_s)},
      {{.key = "p50_over_unverified", .heading = "P50", .unit = Unit::factor}, over(&VerifyCell::end_to_end_p50_s)},
      {{.key = "p99_over_unverified", .heading = "P99", .unit = Unit::factor}, over(&VerifyCell::end_to_end_p99_s)},
  };
}

void add_relative(std::vector<Section>& sections, const std::vector<VerifyCell>& cells) {
  std::vector<Relative> rows;
  for (const VerifyCell& cell : cells)
    for (const VerifyCell& other : cells)
      if (cell.mode != "unverified" && other.mode == "unverified" && other.setting == cell.setting &&
          other.rate_per_s == cell.rate_per_s)
        rows.push_back({cell, other});
  if (!rows.empty())
    sections.push_back(
        {"beside_unverified", "Beside nobody verified", report::List{make_table(relative_columns(), rows)}});
}

Section verdict_section(const std::string& key, const std::string& title, const std::vector<VerifyCell>& cells) {
  using Row = VerifyVerdict;
  const std::vector<Column<Row>> columns{
      {{.key = "claim", .heading = "claim", .wrap = true}, [](const Row& v) { return Value(v.claim); }},
      {{.key = "standing", .heading = "it"}, [](const Row& v) { return Value(v.standing); }, &VerifyVerdict::tone},
      {{.key = "merit", .heading = "by", .wrap = true}, [](const Row& v) { return Value(v.merit); }},
  };
  return {key, title, report::List{make_table(columns, verify_verdicts(cells))}};
}

template <class Get>
Section picture(const std::string& title, report::Axis axis, const std::vector<VerifyCell>& cells,
                const report::TextStyle& style, Get get) {
  std::vector<PassCell> numbers;
  for (const VerifyCell& cell : cells)
    if (const std::optional<double> value = get(cell)) numbers.push_back({cell.shape(), *value});
  return pass_picture(title, std::move(axis), numbers, style);
}

void add_heatmaps(std::vector<Section>& sections, const std::vector<VerifyCell>& cells, const std::string& of,
                  const report::TextStyle& style) {
  const report::Axis time{"time", Unit::seconds, false};
  sections.push_back(picture("Recompute cost" + of, {"recompute cost", Unit::fraction, false}, cells, style,
                             [](const VerifyCell& c) { return std::optional(c.recompute_cost); }));
  sections.push_back(picture("Flips in 10,000 verified tokens" + of, {"flips", Unit::none, false}, cells, style,
                             [](const VerifyCell& c) -> std::optional<double> {
                               if (!c.flip_rate) return std::nullopt;
                               return 1e4 * *c.flip_rate;
                             }));
  sections.push_back(picture("A verification pass" + of, time, cells, style,
                             [](const VerifyCell& c) { return std::optional(c.pass_time_s); }));
  sections.push_back(
      picture("Total time" + of, time, cells, style, [](const VerifyCell& c) { return std::optional(c.time_s); }));
  sections.push_back(picture("Answered within, P99" + of, time, cells, style,
                             [](const VerifyCell& c) { return std::optional(c.end_to_end_p99_s); }));
}

Section beside_section(const std::vector<VerifyCell>& cells, const std::string& of) {
  static const run::PublishedHeatmap published = run::published_heatmap();
  std::vector<Beside> rows;
  for (const VerifyCell& cell : cells)
    if (const run::PublishedCell* found = published.find(cell.shape())) rows.push_back({cell, *found});
  return {"published",
          fmt::format("Beside {}, {} on {} at {:g} requests/s{}", published.source, published.model, published.gpu,
                      published.rate_per_s, of),
          report::List{make_table(beside_columns(), rows)}};
}

}  // namespace

std::vector<Section> verify_sections(const std::vector<VerifyCell>& cells, const report::TextStyle& style) {
  std::vector<Section> sections;
  std::map<std::tuple<std::string, double, double>, std::vector<VerifyCell>> heatmaps;
  std::vector<std::string> settings;
  for (const VerifyCell& cell : cells) {
    if (cell.mode == "verified") heatmaps[{cell.setting, cell.rate_per_s, cell.deterministic}].push_back(cell);
    if (std::find(settings.begin(), settings.end(), cell.setting) == settings.end()) settings.push_back(cell.setting);
  }
  sections.push_back({"settings", "", report::Notes{settings}});
  sections.push_back({"cells", "Measured", report::List{cell_table(cells)}});
  add_relative(sections, cells);
  std::int64_t number = 0;
  for (const auto& [group, shapes] : heatmaps) {
    if (shapes.size() < 2) continue;
    const std::string of = fmt::format(" at {:g} requests/s", std::get<1>(group));
    add_heatmaps(sections, shapes, of, style);
    Section beside = beside_section(shapes, "; here" + of);
    Section verdicts = verdict_section("verdicts", "What holds" + of, shapes);
    if (++number > 1) {
      beside.key += fmt::format("_{}", number);
      verdicts.key += fmt::format("_{}", number);
    }
    sections.push_back(std::move(beside));
    sections.push_back(std::move(verdicts));
  }
  return sections;
}

}  // namespace gemmetry::cli
