#include "gemmetry/cli/measuring_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <type_traits>

#include "gemmetry/base/version.h"
#include "gemmetry/measure/subject.h"
#include "gemmetry/op/field_text.h"
#include "gemmetry/op/kinds.h"

namespace gemmetry::cli {
namespace {

measure::DeviceInfo described(measure::Backend& backend) {
  measure::DeviceInfo device;
  measure::require(backend.describe(device));
  return device;
}

/// Processes that share a sweep write to files of their own: records.db becomes records.rank3.db.
std::string database_of(const MeasuringOptions& options, const measure::Rank& rank) {
  const std::string& path = options.database().writable_path();
  if (rank.size == 1) return path;
  std::filesystem::path own = path;
  own.replace_filename(fmt::format("{}.rank{}{}", own.stem().string(), rank.rank, own.extension().string()));
  return own.string();
}

measure::TuningTable table_of(const MeasuringOptions& options) {
  if (options.setting().policy != measure::Policy::tuned) return {};
  return measure::TuningTable::load(options.table());
}

}  // namespace

MeasuringSession::MeasuringSession(const MeasuringOptions& options)
    : rank_(options.rank()),
      backend_(options.device().open(static_cast<int>(rank_.local))),
      monitor_(described(*backend_).uuid),
      store_(database_of(options, rank_)),
      table_(table_of(options)),
      measurer_(*backend_, monitor_, measuring(options)) {}

measure::Measuring MeasuringSession::measuring(const MeasuringOptions& options) const {
  measure::Measuring measuring;
  measuring.setting = options.setting();
  measuring.sampling = options.sampling();
  measuring.tool = version;
  measuring.command = [setting = options.setting(), device = options.device().name()](const op::Operator& op) {
    return command_of(op, setting, device);
  };
  const measure::DeviceInfo device = described(*backend_);
  measuring.tuned = [this, device](const op::Operator& op) {
    const measure::TunedAlgorithm* tuned = table_.find(op, device.name, measure::library_version(op, device, version));
    return tuned ? std::string(tuned->best.key) : std::string();
  };
  return measuring;
}

shape::Dtype default_dtype(const measure::DeviceInfo& device) {
  return std::string_view(device.backend) == "cpu" ? shape::Dtype::fp32 : shape::Dtype::bf16;
}

std::string command_of(const op::Operator& op, const measure::Setting& setting, const std::string& device) {
  std::string command = "gemmetry measure " + std::string(kind(op));
  std::visit(
      [&]<class Op>(const Op& one) {
        const Op defaults;
        op::for_each_field<Op>([&](const auto& field) {
          const auto& value = one.*field.member;
          if (value == defaults.*field.member && !field.required && field.name != "dtype") return;
          std::string flag(field.name);
          std::replace(flag.begin(), flag.end(), '_', '-');
          if constexpr (std::is_enum_v<std::remove_cvref_t<decltype(value)>>)
            command += fmt::format(" --{} {}", flag, op::word(value));
          else
            command += fmt::format(" --{} {}", flag, value);
        });
      },
      op);
  command += fmt::format(" --device {} --clocks {}", device, name(setting.clocks));
  if (setting.policy != measure::Policy::first) command += fmt::format(" --algorithm {}", name(setting.policy));
  if (setting.replay != measure::Replay::graph) command += fmt::format(" --launch {}", name(setting.replay));
  if (setting.warm) command += " --warm";
  return command;
}

}  // namespace gemmetry::cli
