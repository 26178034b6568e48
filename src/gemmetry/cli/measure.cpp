#include <fmt/format.h>

#include <memory>

#include "gemmetry/cli/command.h"
#include "gemmetry/cli/measuring_session.h"
#include "gemmetry/cli/operator_source.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/record_columns.h"
#include "gemmetry/cli/sweep_report.h"
#include "gemmetry/op/kinds.h"

namespace gemmetry::cli {
namespace {

constexpr auto examples =
    R"(Values are numbers, ranges and lists: 4096, 128:32640:128 (first:last:step), 2^5..2^13 (powers of two), 1..8, 64,80,96.
Every operator is verified before it is timed; what the database has is not measured again, so an interrupted sweep
goes on when the same command is run again.

Examples:
  gemmetry measure gemm --m 8192 --n 4096 --k 4096
  gemmetry measure gemm --m 8192 --n 128:32640:128 --k 4096 --layout nt,nn,tn --time-budget 10m
  gemmetry measure bmm --batch 128 --m 2048 --n 2048 --k 32..256
  gemmetry measure attention --batch 4 --queries 2^9..2^13 --heads 32 --head-dim 64,80,128
  gemmetry measure norm @sizes.csv --clocks sustained
  gemmetry measure layer llama-2-7b --ffn 10922 --phase training
  mpirun -np 8 gemmetry measure gemm @shapes.csv --db sweep.db)";

struct Options {
  explicit Options(std::string kind) : source(std::move(kind)) {}

  OperatorSource source;
  MeasuringOptions measuring;
  OutputOptions output;
};

/// The records of the operators, in the order in which they were asked for.
std::vector<measure::Record> records_of(MeasuringSession& session, const std::vector<op::Operator>& ops,
                                        std::int64_t takes) {
  std::vector<measure::Record> records;
  for (const op::Operator& op : ops)
    for (std::int64_t take = 0; take < takes; ++take)
      if (auto record = session.store().get(measure::identity(session.measurer().blank(op, take))))
        records.push_back(*std::move(record));
  return records;
}

ExitCode run_measure(const Options& options, const Console& console) {
  // What is wrong with the sizes is said before a device is asked for.
  options.source.operators(shape::Dtype::bf16);
  MeasuringSession session(options.measuring);
  std::vector<op::Operator> ops = options.source.operators(default_dtype(session.device()));
  if (session.rank().size > 1) ops = measure::share(ops, session.rank(), options.measuring.seed());
  const measure::SweepSummary summary = run_sweep(session, options.measuring, ops, console);
  report::Document document;
  document.csv = "records";
  document.sections = {
      device_section(session, options.measuring),
      {"records", "Records",
       report::List{make_table(record_columns(false), records_of(session, ops, options.measuring.takes()))}},
      sweep_section(summary, session.store().path())};
  options.output.write(document, console);
  return exit_ok;
}

void add_kind(CLI::App& measure, Command& chosen, const std::string& name, const std::string& kind,
              const std::string& description) {
  CLI::App& sub = *measure.add_subcommand(name, description);
  auto options = std::make_shared<Options>(kind);
  options->source.add_to(sub);
  options->measuring.add_to(sub, true);
  options->output.add_to(sub);
  sub.footer(
      fmt::format("Values are numbers, ranges and lists: 4096, 128:32640:128, 2^5..2^13, 1..8, 64,80,96.\n\n"
                  "Examples:\n  gemmetry measure {} @sizes.csv",
                  name));
  set_command(sub, chosen, options, run_measure);
}

}  // namespace

void add_measure(CLI::App& app, Command& chosen) {
  CLI::App& sub = *app.add_subcommand("measure", "operators on this machine's device, swept, verified and recorded");
  sub.require_subcommand(0, 1);
  for (const std::string& kind : op::operator_kinds()) {
    if (kind == "collective") continue;  // no single device runs it
    add_kind(sub, chosen, kind, kind, "operators of that kind");
    if (kind == "gemm") add_kind(sub, chosen, "bmm", kind, "batched products; the same as gemm");
  }
  add_measure_layer(sub, chosen);
  sub.footer(examples);
}

}  // namespace gemmetry::cli
