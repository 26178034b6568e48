#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/cli/database_option.h"
#include "gemmetry/cli/device_options.h"
#include "gemmetry/measure/rank.h"
#include "gemmetry/measure/record.h"
#include "gemmetry/measure/sampler.h"

namespace gemmetry::cli {

/// How operators are measured, on which device and into which database.
class MeasuringOptions {
 public:
  /// `may_predict`: --device may name a predicted one too.
  explicit MeasuringOptions(gpu::Clocks clocks = gpu::Clocks::burst, bool may_predict = false) : device_(may_predict) {
    setting_.clocks = clocks;
  }

  /// How one operator is measured.
  void add_to(CLI::App& app);
  /// What a sweep over many operators takes beside these.
  void add_sweep_to(CLI::App& app);

  /// Without clocks, launch and cache, for commands that have such options of their own: `follow` sets these.
  std::vector<CLI::Option*> add_common_to(CLI::App& app, const std::string& group);
  void follow(gpu::Clocks clocks, measure::Replay replay);
  void follow(measure::Policy policy) { setting_.policy = policy; }

  /// Only device and tuning table, for what fills the table.
  void add_table_to(CLI::App& app);

  const DeviceOptions& device() const { return device_; }
  const DatabaseOption& database() const { return database_; }
  measure::Setting setting() const { return setting_; }
  measure::Sampling sampling() const;
  std::int64_t takes() const { return takes_; }
  std::uint64_t seed() const { return static_cast<std::uint64_t>(seed_); }
  std::optional<double> time_budget_s() const { return time_budget_s_; }
  bool retries() const { return retry_; }
  /// The tuning table's file; that of the database's folder unless said.
  std::string table() const;

  /// Error where an option was given that only makes sense where something is measured.
  void require_only_looked_up() const;

  /// Which of several processes this is, as the environment or --share says.
  measure::Rank rank() const;

  /// " --device cpu --clocks burst": the options that measure in the same way again.
  std::string text() const;

 private:
  CLI::Option* add_table_option(CLI::App& app);
  CLI::Option* of_measuring(CLI::Option* option);

  DeviceOptions device_;
  DatabaseOption database_;
  measure::Setting setting_;
  measure::Sampling sampling_;
  std::int64_t takes_ = 1;
  std::int64_t seed_ = 1;
  std::optional<double> time_budget_s_;
  bool retry_ = false;
  std::string table_, share_;
  std::vector<const CLI::Option*> of_measuring_;  ///< options that a recorded device refuses
};

}  // namespace gemmetry::cli
