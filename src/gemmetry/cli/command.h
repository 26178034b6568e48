#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>

#include "gemmetry/cli/console.h"
#include "gemmetry/cli/exit_code.h"

namespace gemmetry::cli {

/// What the chosen subcommand does once the command line is read.
using Command = std::function<ExitCode(const Console&)>;

// Each adds its subcommand with its options and help to the program, and sets `chosen` when it is the one that was
// asked for.
void add_explain(CLI::App& app, Command& chosen);
void add_check(CLI::App& app, Command& chosen);
void add_advise(CLI::App& app, Command& chosen);
void add_advise_verify(CLI::App& advise, Command& chosen);
void add_gemm(CLI::App& app, Command& chosen);
void add_predict(CLI::App& app, Command& chosen);
void add_measure(CLI::App& app, Command& chosen);
void add_measure_layer(CLI::App& measure, Command& chosen);
void add_measure_model(CLI::App& measure, Command& chosen);
void add_measure_decode(CLI::App& measure, Command& chosen);
void add_measure_serve(CLI::App& measure, Command& chosen);
void add_measure_verify(CLI::App& measure, Command& chosen);
void add_tune(CLI::App& app, Command& chosen);
void add_calibrate(CLI::App& app, Command& chosen);
void add_validate(CLI::App& app, Command& chosen);
void add_records(CLI::App& app, Command& chosen);
void add_records_check(CLI::App& records, Command& chosen);
void add_records_executions(CLI::App& records, Command& chosen);
void add_study(CLI::App& app, Command& chosen);
void add_report(CLI::App& app, Command& chosen);
void add_backends(CLI::App& app, Command& chosen);
void add_models(CLI::App& app, Command& chosen);
void add_gpus(CLI::App& app, Command& chosen);
void add_nodes(CLI::App& app, Command& chosen);
void add_completion(CLI::App& app, Command& chosen);

/// Error for options in front of a subcommand's subcommand: they are its own.
void require_no_options(const CLI::App& subcommand);

/// Ties a subcommand to what it runs: `run(options, console)`, with options that live as long as the program. A
/// subcommand of its own that is given runs instead.
template <class Options, class Run>
void set_command(CLI::App& subcommand, Command& chosen, std::shared_ptr<Options> options, Run run) {
  subcommand.callback([&subcommand, &chosen, options, run] {
    if (!subcommand.get_subcommands().empty()) return require_no_options(subcommand);
    chosen = [options, run](const Console& console) { return run(*options, console); };
  });
}

}  // namespace gemmetry::cli
