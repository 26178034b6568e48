#include "gemmetry/cli/measuring_options.h"

#include <cstdlib>
#include <filesystem>

#include "gemmetry/cli/arguments.h"

namespace gemmetry::cli {
namespace {

constexpr auto group = "Measuring";
constexpr auto sweep_group = "Sweeps";

}  // namespace

void MeasuringOptions::add_device_to(CLI::App& app) {
  device_.add_to(app);
  database_.add_to(app);
  add_choice(app, "--algorithm", setting_.policy, {measure::Policy::first, measure::Policy::tuned},
             "the library's first choice, or the tuning table's where it has one")
      ->group(group);
  app.add_option("--table", table_, "the tuning table (gemmetry tune); tuning.json beside the database unless said")
      ->type_name("FILE")
      ->group(group);
}

void MeasuringOptions::follow(gpu::Clocks clocks, measure::Replay replay) {
  setting_.clocks = clocks;
  setting_.replay = replay;
}

void MeasuringOptions::add_to(CLI::App& app, bool sweeps) {
  add_device_to(app);
  add_choice(app, "--clocks", setting_.clocks, {gpu::Clocks::burst, gpu::Clocks::sustained},
             "short runs after idle, or full load until the clock is flat")
      ->group(group);
  add_choice(app, "--launch", setting_.replay, {measure::Replay::graph, measure::Replay::stream},
             "kernels replayed from a graph, or launched one by one by the host")
      ->group(group);
  app.add_flag("--warm", setting_.warm, "leave the operands in the cache; else buffers rotate over twice its size")
      ->group(group);
  add_text(app, "--precision", "P%", "stop when the median's 90 % interval is this narrow, to either side",
           [this](const std::string& what, const std::string& text) { sampling_.precision = per_cent(what, text); })
      ->default_str("1%")
      ->group(group);
  add_text(app, "--time-cap", "TIME", "stop one measurement after this long",
           [this](const std::string& what, const std::string& text) { sampling_.time_cap_s = seconds(what, text); })
      ->default_str("1s")
      ->group(group);
  if (!sweeps) return;
  add_size(app, "--takes", takes_, "measure each operator so often, at random times of the sweep")->group(sweep_group);
  add_text(app, "--time-budget", "TIME", "end the sweep after this long, as in 90s, 10m or 1.5h",
           [this](const std::string& what, const std::string& text) { time_budget_s_ = seconds(what, text); })
      ->group(sweep_group);
  add_size(app, "--seed", seed_, "of the data and of the random order", 0)->group(sweep_group);
  app.add_flag("--retry", retry_, "measure again what failed before")->group(sweep_group);
  app.add_option("--share", share_, "take the I-th of N shares; mpirun, srun and Slurm arrays say it themselves")
      ->type_name("I/N")
      ->group(sweep_group);
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

}  // namespace gemmetry::cli
