#include "gemmetry/cli/measuring_options.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/arguments.h"

namespace gemmetry::cli {
namespace {

/// What a median can be known to; samples alone never make it exact.
double precision(const std::string& what, const std::string& text) {
  const double share = per_cent(what, text);
  if (share < 1e-4 || share > 0.5) refuse_text(what, text, "per cent from 0.01 to 50, as in 1%");
  return share;
}

constexpr auto measuring_group = "Measuring";

}  // namespace

std::vector<CLI::Option*> MeasuringOptions::add_common_to(CLI::App& app, const std::string& group) {
  const std::vector<CLI::Option*> options{
      device_.add_to(app),
      of_measuring(database_.add_to(app)),
      add_choice(app, "--algorithm", setting_.policy, {measure::Policy::first, measure::Policy::tuned},
                 "the library's first choice, or the tuning table's where it has one"),
      of_measuring(add_table_option(app)),
      add_text(
          app, "--precision", "P%", "stop when the median's 90 % interval is this narrow, to either side",
          [this](const std::string& what, const std::string& text) { sampling_.precision = precision(what, text); })
          ->default_str("1%"),
      add_text(app, "--time-cap", "TIME", "stop one measurement after this long",
               [this](const std::string& what, const std::string& text) { sampling_.time_cap_s = seconds(what, text); })
          ->default_str("1s")};
  for (CLI::Option* option : options) option->group(group);
  return options;
}

void MeasuringOptions::add_table_to(CLI::App& app) {
  for (CLI::Option* option : {device_.add_to(app), database_.add_to(app), add_table_option(app)})
    option->group(measuring_group);
}

CLI::Option* MeasuringOptions::of_measuring(CLI::Option* option) {
  of_measuring_.push_back(option);
  return option;
}

void MeasuringOptions::require_only_looked_up() const {
  for (const CLI::Option* option : of_measuring_)
    if (option->count() > 0)
      throw Error(fmt::format("{} is given with --device {}, where nothing is measured: leave it out",
                              option->get_name(), device_.name()));
}

CLI::Option* MeasuringOptions::add_table_option(CLI::App& app) {
  return app.add_option("--table", table_, "the tuning table (gemmetry tune); usually tuning.json beside the database")
      ->type_name("FILE");
}

void MeasuringOptions::follow(gpu::Clocks clocks, measure::Replay replay) {
  setting_.clocks = clocks;
  setting_.replay = replay;
}

void MeasuringOptions::add_to(CLI::App& app) {
  add_common_to(app, measuring_group);
  add_choice(app, "--clocks", setting_.clocks, {gpu::Clocks::burst, gpu::Clocks::sustained},
             "short runs after idle, or full load until the clock is flat")
      ->group(measuring_group);
  add_choice(app, "--launch", setting_.replay, {measure::Replay::graph, measure::Replay::stream},
             "kernels replayed from a graph, or launched one by one by the host")
      ->group(measuring_group);
  app.add_flag("--warm", setting_.warm, "leave the operands in the cache; else buffers rotate over twice its size")
      ->group(measuring_group);
}

void MeasuringOptions::add_sweep_to(CLI::App& app) {
  constexpr auto group = "Sweeps";
  of_measuring(add_size(app, "--takes", takes_, "measure each operator so often, at random times of the sweep"))
      ->group(group);
  add_text(app, "--time-budget", "TIME", "end the sweep after this long, as in 90s, 10m or 1.5h",
           [this](const std::string& what, const std::string& text) { time_budget_s_ = seconds(what, text); })
      ->group(group);
  add_size(app, "--seed", seed_, "of the random order", 0)->group(group);
  of_measuring(app.add_flag("--retry", retry_, "measure again what failed before"))->group(group);
  of_measuring(
      app.add_option("--share", share_, "take the I-th of N shares; mpirun, srun and Slurm arrays say it themselves"))
      ->type_name("I/N")
      ->group(group);
}

measure::Sampling MeasuringOptions::sampling() const {
  measure::Sampling sampling = sampling_;
  sampling.clocks = setting_.clocks;
  return sampling;
}

std::string MeasuringOptions::table() const {
  if (!table_.empty()) return table_;
  return (std::filesystem::path(database_.path()).parent_path() / "tuning.json").string();
}

measure::Rank MeasuringOptions::rank() const {
  const auto environment = [](const char* variable) -> std::optional<std::string> {
    const char* value = std::getenv(variable);
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
  return measure::find_rank(environment, share_);
}

std::string MeasuringOptions::text() const {
  std::string text = fmt::format(" --device {} --clocks {}", device_.name(), name(setting_.clocks));
  if (setting_.policy != measure::Policy::first) text += fmt::format(" --algorithm {}", name(setting_.policy));
  if (setting_.policy == measure::Policy::tuned && !table_.empty()) text += fmt::format(" --table '{}'", table_);
  if (setting_.replay != measure::Replay::graph) text += fmt::format(" --launch {}", name(setting_.replay));
  if (setting_.warm) text += " --warm";
  return text;
}

}  // namespace gemmetry::cli
