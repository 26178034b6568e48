#include "gemmetry/cli/pass_times.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "gemmetry/cli/interrupt.h"
#include "gemmetry/measure/host_clock.h"
#include "gemmetry/measure/statistics.h"
#include "gemmetry/run/verify/model_prices.h"

namespace gemmetry::cli {
namespace {

using report::Unit;
using report::Value;

/// One kind of pass, timed.
struct PassTime {
  bool verifies = false;
  run::PassShape shape;
  std::vector<double> times_s;
  std::optional<double> predicted_s;
};

std::vector<report::Column<PassTime>> columns() {
  using Row = PassTime;
  return {
      {{.key = "pass", .heading = "pass", .once = true},
       [](const Row& r) { return Value(std::string(r.verifies ? "verify" : "decode")); }},
      {{.key = "batch", .heading = "batch"}, [](const Row& r) { return Value(r.shape.batch); }},
      {{.key = "window", .heading = "window"}, [](const Row& r) { return Value(r.shape.window); }},
      {{.key = "rows", .heading = "rows"}, [](const Row& r) { return Value(r.shape.rows()); }},
      {{.key = "time_s", .heading = "time", .unit = Unit::seconds},
       [](const Row& r) { return Value(measure::median(r.times_s)); }},
      {{.key = "p90_s", .heading = "90 % are below", .unit = Unit::seconds},
       [](const Row& r) { return Value(measure::quantile(r.times_s, 0.9)); }},
      {{.key = "predicted_s", .heading = "predicted", .unit = Unit::seconds},
       [](const Row& r) { return r.predicted_s ? Value(*r.predicted_s) : Value(); }},
      {{.key = "predicted_over_measured", .heading = "over measured", .unit = Unit::factor},
       [](const Row& r) { return r.predicted_s ? Value(*r.predicted_s / measure::median(r.times_s)) : Value(); }},
  };
}

template <class Pass>
std::vector<double> timed(std::int64_t repeats, Pass pass) {
  measure::HostClock clock;
  std::vector<double> times_s;
  for (std::int64_t i = 0; i <= repeats; ++i) {
    const double begin_s = clock.now_s();
    pass();
    if (i > 0) times_s.push_back(clock.now_s() - begin_s);
  }
  return times_s;
}

std::vector<run::DecodeRow> decode_rows(std::int64_t count, std::int64_t context, const run::Draw& draw) {
  std::vector<run::DecodeRow> rows;
  for (std::int64_t i = 0; i < count; ++i)
    rows.push_back({static_cast<std::int32_t>(i), static_cast<std::int32_t>(context), 0, draw});
  return rows;
}

std::vector<run::WindowRows> window_rows(const run::PassShape& shape, std::int64_t slots, std::int64_t context,
                                         const run::Draw& draw) {
  std::vector<run::WindowRows> windows;
  for (std::int64_t i = 0; i < shape.batch; ++i) {
    const bool real = i < slots;
    windows.push_back({real ? static_cast<std::int32_t>(i) : -1, real ? static_cast<std::int32_t>(context) : 0,
                       std::vector<std::int32_t>(static_cast<std::size_t>(real ? shape.window : 0)), draw});
  }
  return windows;
}

}  // namespace

report::Section pass_times(ServeSession& session, const std::vector<run::PassShape>& shapes, std::int64_t context,
                           std::int64_t repeats, const op::CostModel* costs, double host_s, const Console& console) {
  const ServeOptions& options = session.options();
  run::SlotDecoder& engine = session.engine(options.pin());
  const run::Draw draw{1, options.temperature()};
  const std::vector<std::int32_t> prompt = run::random_prompt(1, context, session.model().vocab);
  for (std::int64_t slot = 0; slot < options.slots(); ++slot)
    engine.prefill(static_cast<std::int32_t>(slot), prompt, draw);
  std::optional<run::ModelPrices> prices;
  if (costs)
    prices.emplace(session.model(), *costs, run::ModelPricesOptions{options.dtype(), session.capacity(), host_s});

  const Interrupt interrupt;
  std::vector<PassTime> rows;
  for (std::int64_t batch = 1; batch <= options.slots() && !interrupt.requested(); batch *= 2) {
    console.progress(fmt::format("decoding {} requests (Ctrl-C ends it)", batch));
    PassTime& row = rows.emplace_back(PassTime{false, {batch, 1}, {}, {}});
    const std::vector<run::DecodeRow> decoded = decode_rows(batch, context, draw);
    row.times_s = timed(repeats, [&] { engine.decode(decoded); });
    if (prices) row.predicted_s = prices->decode_s(batch, static_cast<double>(context));
  }
  for (const run::PassShape& shape : shapes) {
    if (interrupt.requested()) break;
    console.progress(fmt::format("verifying {} x {} (Ctrl-C ends it)", shape.batch, shape.window));
    PassTime& row = rows.emplace_back(PassTime{true, shape, {}, {}});
    const std::vector<run::WindowRows> windows = window_rows(shape, options.slots(), context, draw);
    row.times_s = timed(repeats, [&] { engine.verify(windows, shape.window); });
    if (prices) row.predicted_s = prices->verify_s(shape, static_cast<double>(context));
  }
  console.progress("");
  return {"passes", fmt::format("Passes over {} tokens in each slot, by the host's clock", context),
          report::List{make_table(columns(), rows)}};
}

}  // namespace gemmetry::cli
