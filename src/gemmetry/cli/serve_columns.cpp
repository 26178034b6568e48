#include "gemmetry/cli/serve_columns.h"

#include <fmt/format.h>

namespace gemmetry::cli {
namespace {

using report::Column;
using report::Unit;
using report::Value;
using Row = ServeRow;

/// How often decoding steps had so many live requests.
struct Steps {
  std::int64_t batch = 0;
  std::int64_t steps = 0;
  double share = 0;
};

template <class Get>
Column<Row> seconds(const char* key, const char* heading, Get get) {
  return {{.key = key, .heading = heading, .unit = Unit::seconds},
          [get](const Row& r) { return Value(get(r.metrics)); }};
}

template <class Get>
Column<Row> count(const char* key, const char* heading, Get get) {
  return {{.key = key, .heading = heading}, [get](const Row& r) { return Value(get(r.metrics)); }};
}

/// A count that only verification has.
template <class Get>
Column<Row> of_passes(report::ColumnInfo info, Get get) {
  return {std::move(info), [get](const Row& r) { return r.shape ? Value(get(r)) : Value(); }};
}

Value known(const std::optional<double>& value) { return value ? Value(*value) : Value(report::Unknown{}); }

void add(std::vector<Column<Row>>& columns, std::vector<Column<Row>> more) {
  for (Column<Row>& column : more) columns.push_back(std::move(column));
}

std::vector<Column<Row>> time_columns() {
  using M = run::ServeMetrics;
  return {
      count("requests", "requests", [](const M& m) { return m.requests; }),
      count("answered", "answered", [](const M& m) { return m.answered; }),
      count("cancelled", "cancelled", [](const M& m) { return m.cancelled; }),
      count("unfinished", "unfinished", [](const M& m) { return m.unfinished; }),
      seconds("time_s", "time", [](const M& m) { return m.time_s; }),
      count("tokens", "tokens", [](const M& m) { return m.committed; }),
      {{.key = "tokens_per_s", .heading = "tokens/s", .unit = Unit::count},
       [](const Row& r) { return Value(r.metrics.tokens_per_s()); }},
      seconds("end_to_end_mean_s", "", [](const M& m) { return m.end_to_end_s.mean; }),
      seconds("end_to_end_p50_s", "answered within, P50", [](const M& m) { return m.end_to_end_s.p50; }),
      seconds("end_to_end_p99_s", "P99", [](const M& m) { return m.end_to_end_s.p99; }),
      seconds("first_token_p50_s", "first token, P50", [](const M& m) { return m.first_token_s.p50; }),
      seconds("first_token_p99_s", "P99", [](const M& m) { return m.first_token_s.p99; }),
      seconds("between_tokens_p50_s", "between tokens, P50", [](const M& m) { return m.between_s.p50; }),
      seconds("between_tokens_p99_s", "P99", [](const M& m) { return m.between_s.p99; }),
      seconds("wait_p99_s", "longest waits, P99", [](const M& m) { return m.wait_s.p99; }),
      count("prefills", "prefills", [](const M& m) { return m.prefills; }),
      seconds("prefill_time_s", "of the time", [](const M& m) { return m.prefill_s; }),
      count("decode_steps", "decoding steps", [](const M& m) { return m.decode_steps; }),
      seconds("decode_time_s", "of the time", [](const M& m) { return m.decode_s; }),
      count("mean_batch", "live requests of a step", [](const M& m) { return m.mean_batch(); }),
  };
}

std::vector<Column<Row>> pass_columns() {
  return {
      of_passes({.key = "verify_passes", .heading = "verification passes"},
                [](const Row& r) { return r.metrics.verify_passes; }),
      of_passes({.key = "verify_time_s", .heading = "of the time", .unit = Unit::seconds},
                [](const Row& r) { return r.metrics.verify_s; }),
      of_passes({.key = "windows", .heading = "windows"}, [](const Row& r) { return r.metrics.windows.windows; }),
      of_passes({.key = "early_windows", .heading = "verified early"},
                [](const Row& r) { return r.metrics.early_windows; }),
      of_passes({.key = "dummy_windows", .heading = "dummies"}, [](const Row& r) { return r.metrics.dummy_windows; }),
      of_passes({.key = "deterministic_requests", .heading = "deterministic requests"},
                [](const Row& r) { return r.metrics.deterministic_requests; }),
      of_passes({.key = "deterministic_tokens", .heading = "their tokens"},
                [](const Row& r) { return r.metrics.deterministic_tokens; }),
      of_passes({.key = "rollbacks", .heading = "rollbacks"}, [](const Row& r) { return r.metrics.windows.rollbacks; }),
      of_passes({.key = "rolled_back_tokens", .heading = "tokens rolled back"},
                [](const Row& r) { return r.metrics.windows.rolled_back; }),
      of_passes({.key = "recompute_cost", .heading = "recompute cost", .unit = Unit::fraction},
                [](const Row& r) { return r.metrics.recompute_cost(); }),
      of_passes({.key = "flip_rate"}, [](const Row& r) { return known(r.metrics.flip_rate()); }),
      of_passes({.key = "", .heading = "flips of verified tokens"},
                [](const Row& r) { return rate_text(r.metrics.flip_rate()); }),
      of_passes({.key = "inverted_flip_rate"},
                [](const Row& r) { return known(r.metrics.inverted_flip_rate(r.shape->window)); }),
      of_passes({.key = "", .heading = "by the closed form"},
                [](const Row& r) { return rate_text(r.metrics.inverted_flip_rate(r.shape->window)); }),
  };
}

}  // namespace

std::vector<Column<ServeRow>> serve_columns() {
  std::vector<Column<Row>> columns{
      of_passes({.key = "batch", .heading = "batch"}, [](const Row& r) { return r.shape->batch; }),
      of_passes({.key = "window", .heading = "window"}, [](const Row& r) { return r.shape->window; }),
  };
  add(columns, time_columns());
  add(columns, pass_columns());
  return columns;
}

std::string rate_text(std::optional<double> rate) {
  return rate ? fmt::format("{:.3g} %", 100 * *rate) : std::string("?");
}

report::Table steps_table(const run::ServeMetrics& metrics) {
  std::vector<Steps> rows;
  for (const auto& [batch, steps] : metrics.steps_by_batch)
    rows.push_back({batch, steps, static_cast<double>(steps) / static_cast<double>(metrics.decode_steps)});
  const std::vector<Column<Steps>> columns{
      {{.key = "live_requests", .heading = "live requests"}, [](const Steps& s) { return Value(s.batch); }},
      {{.key = "steps", .heading = "decoding steps"}, [](const Steps& s) { return Value(s.steps); }},
      {{.key = "share", .heading = "share", .unit = Unit::fraction}, [](const Steps& s) { return Value(s.share); }},
  };
  return make_table(columns, rows);
}

}  // namespace gemmetry::cli
