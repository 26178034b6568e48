#include <fmt/format.h>

#include <memory>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/device_section.h"
#include "gemmetry/cli/measure_recorded.h"
#include "gemmetry/cli/measuring_session.h"
#include "gemmetry/cli/operator_source.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/record_columns.h"
#include "gemmetry/cli/recorded_device.h"
#include "gemmetry/cli/sweep_report.h"

namespace gemmetry::cli {
namespace {

constexpr auto examples =
    R"(Every operator is verified before it is timed, and its record is stored as soon as it is measured. What the
database has is not measured again: after Ctrl-C, or whatever else ended a sweep, the same command goes on.

With --device recorded:GPU nothing is measured: the records that come with gemmetry answer (gemmetry backends lists
them), those of these sizes, clocks, algorithm, launch and cache. The exit status is 1 where an operator has none.
--db, --table, --takes, --retry and --share are refused then; other options of sweeps and samples change nothing.

Examples:
  gemmetry measure gemm --m 8192 --n 4096 --k 4096
  gemmetry measure attention --batch 4 --queries 2^9..2^13 --heads 32 --head-dim 64,80,128
  gemmetry measure layer llama-2-7b --ffn 10922 --phase training
  gemmetry measure model pythia-410m --batch 8 --seq 512
  gemmetry measure decode llama-3.1-8b --prompt 512 --new-tokens 128
  gemmetry measure serve llama-3.1-8b --rate 12 --verify 8x64
  gemmetry measure gemm --m 2^0..2^13 --n 4096 --k 4096 --device recorded:h200
  mpirun -np 8 gemmetry measure gemm @shapes.csv --db sweep.db          each to a file of its own: sweep.rank0.db, ...
  gemmetry records merge sweep.rank*.db --db sweep.db)";

constexpr auto values =
    R"(VALUES are numbers, ranges and lists: 4096, 128:32640:128 (first:last:step), 2^5..2^13 (powers of two), 1..8,
64,80,96. All combinations are measured, in random order; Ctrl-C ends a sweep after the operator that is being
measured (exit status 0), and the same command goes on.)";

/// A kind of operator as a command.
struct KindHelp {
  const char* command;
  const char* kind;
  const char* description;
  const char* examples;  ///< what follows "gemmetry measure COMMAND", line by line
};

constexpr KindHelp kinds[] = {
    {"gemm", "gemm", "products, one or a batch of equal ones",
     "--m 8192 --n 4096 --k 4096\n"
     "--m 8192 --n 128:32640:128 --k 4096 --layout nt,nn,tn --time-budget 10m\n"
     "@shapes.csv --db shapes.db"},
    {"bmm", "gemm", "batched products: gemm by its other name", "--batch 128 --m 2048 --n 2048 --k 32:256:8"},
    {"grouped_gemm", "grouped_gemm", "products of rows with the experts they are sent to",
     "--experts 8 --m 2^10..2^16 --n 14336 --k 4096"},
    {"attention", "attention", "fused attention, forward or backward",
     "--batch 4 --queries 2^9..2^13 --heads 32 --head-dim 64,80,128\n"
     "--batch 64 --queries 1 --keys 4096 --heads 32 --kv-heads 8 --head-dim 128"},
    {"norm", "norm", "LayerNorm and RMSNorm", "--rows 8192 --width 4096,5120 --norm rms_norm --backward false,true"},
    {"softmax", "softmax", "masked scaled softmax of scores", "--rows 262144 --columns 2^9..2^12"},
    {"activation", "activation", "GELU, ReLU, SiLU and their gated kin",
     "--rows 8192 --width 11008 --function silu --gated"},
    {"rotary", "rotary", "rotary positions of queries and keys", "--tokens 8192 --heads 64 --dim 64,128"},
    {"residual", "residual", "a branch added to the residual stream", "--rows 8192 --width 4096 --dropout --bias"},
    {"embedding", "embedding", "rows of a table looked up", "--tokens 8192 --width 4096 --backward"},
    {"cross_entropy", "cross_entropy", "cross-entropy of logits", "--rows 8192 --vocab 32000,50257,50304"},
    {"optimizer", "optimizer", "the AdamW update", "--parameters 1e8,1e9"},
    {"pointwise", "pointwise", "kernels that read and write each element once",
     "--function copy --elements 2^20..2^30 --read-bytes 2 --write-bytes 2"},
};

struct Options {
  explicit Options(std::string kind) : source(std::move(kind)) {}

  OperatorSource source;
  MeasuringOptions measuring;
  OutputOptions output;
};

/// The records of the operators, in their order: those of now and those that were there.
std::vector<measure::Record> records_of(MeasuringSession& session, const std::vector<op::Operator>& ops,
                                        std::int64_t takes) {
  std::vector<measure::Record> records;
  for (const op::Operator& op : ops)
    for (std::int64_t take = 0; take < takes; ++take)
      if (auto record = session.store().get(measure::identity(session.measurer().blank(op, take))))
        records.push_back(*std::move(record));
  return records;
}

void require_possible(const std::vector<op::Operator>& ops, std::int64_t takes) {
  const auto count = static_cast<std::int64_t>(ops.size());
  if (takes > measure::longest_axis / count)
    throw Error(fmt::format("--takes = {}: makes more than {} measurements of {} operators", takes,
                            measure::longest_axis, count));
}

ExitCode run_recorded(const Options& options, const std::vector<op::Operator>& ops, const Console& console) {
  const RecordedAnswer found = answer(load_recordings(options.measuring), options.measuring.setting(), ops);
  options.output.write(found.document, console);
  return found.code;
}

ExitCode run_measure(const Options& options, const Console& console) {
  // What is wrong with the sizes is said before a device is asked for.
  std::vector<op::Operator> ops = options.source.operators(options.measuring.device().default_dtype());
  require_possible(ops, options.measuring.takes());
  if (options.measuring.device().is_recorded()) return run_recorded(options, ops, console);
  MeasuringSession session(options.measuring);
  if (session.rank().size > 1) ops = measure::share(std::move(ops), session.rank(), options.measuring.seed());
  const measure::SweepSummary summary = run_sweep(session, options.measuring, ops, console);
  report::Document document;
  document.csv = "records";
  document.sections = {
      device_section(session.device(), &session.measurer().setting()),
      {"records", "Records",
       report::List{make_table(record_columns(false), records_of(session, ops, options.measuring.takes()))}},
      sweep_section(summary, session.store().path())};
  options.output.write(document, console);
  return exit_ok;
}

void add_kind(CLI::App& measure, Command& chosen, const KindHelp& help) {
  CLI::App& sub = *measure.add_subcommand(help.command, help.description);
  auto options = std::make_shared<Options>(help.kind);
  options->source.add_to(sub);
  options->measuring.add_to(sub);
  options->measuring.add_sweep_to(sub);
  options->output.add_to(sub);
  sub.footer(fmt::format("{}\n\n{}", values, command_examples(fmt::format("measure {}", help.command), help.examples)));
  set_command(sub, chosen, options, run_measure);
}

}  // namespace

void add_measure(CLI::App& app, Command& chosen) {
  CLI::App& sub = *app.add_subcommand("measure", "operators on this machine's device, swept, verified and recorded");
  sub.require_subcommand(0, 1);
  for (const KindHelp& help : kinds) add_kind(sub, chosen, help);
  add_measure_layer(sub, chosen);
  add_measure_model(sub, chosen);
  add_measure_decode(sub, chosen);
  add_measure_serve(sub, chosen);
  add_measure_verify(sub, chosen);
  sub.footer(examples);
}

}  // namespace gemmetry::cli
