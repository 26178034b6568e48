#include "gemmetry/cli/measuring_session.h"

#include <fmt/format.h>

#include <filesystem>
#include <string_view>
#include <type_traits>

#include "gemmetry/base/version.h"
#include "gemmetry/cli/operator_source.h"
#include "gemmetry/gpu/catalogue.h"
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

/// Whether the field has this value when it is left out.
template <class Op, class Field>
bool is_default(const Op& op, const Field& field) {
  Op without = op;
  without.*field.member = Op{}.*field.member;
  op::Operator completed = without;
  op::complete(completed, [&](std::string_view name) { return name != field.name; });
  return std::get<Op>(completed) == op;
}

measure::TuningTable table_of(const MeasuringOptions& options) {
  if (options.setting().policy != measure::Policy::tuned) return {};
  return measure::TuningTable::load(options.table());
}

}  // namespace

MeasuringSession::MeasuringSession(const MeasuringOptions& options)
    : rank_(options.rank()),
      backend_(options.device().open(static_cast<int>(rank_.local))),
      device_(described(*backend_)),
      monitor_(device_.uuid),
      database_(database_of(options, rank_)),
      table_(table_of(options)),
      measurer_(*backend_, monitor_, measuring(options)) {}

measure::RecordStore& MeasuringSession::store() {
  if (!store_) store_.emplace(database_);
  return *store_;
}

measure::Measuring MeasuringSession::measuring(const MeasuringOptions& options) const {
  measure::Measuring measuring;
  measuring.setting = options.setting();
  measuring.sampling = options.sampling();
  measuring.tool = version;
  measuring.command = [how = options.text()](const op::Operator& op) { return command_of(op) + how; };
  measuring.tuned = tuned();
  return measuring;
}

std::function<std::string(const op::Operator&)> MeasuringSession::tuned() const {
  return [this](const op::Operator& op) {
    const std::string library = measure::library_version(op, device_, version);
    const measure::TunedAlgorithm* tuned = table_.find(op, device_.name, library);
    return tuned ? std::string(tuned->best.key) : std::string();
  };
}

shape::Workload workload_on(const gpu::Gpu* device, const WorkloadOptions& options, const shape::Model& model) {
  const gpu::Gpu gpu = device ? *device : gpu::load_gpu("h200");
  const shape::Workload workload = options.workload(model, gpu);
  shape::require_possible(workload, model);
  return workload;
}

shape::Workload workload_on(const MeasuringSession& session, const WorkloadOptions& options,
                            const shape::Model& model) {
  return workload_on(session.gpu(), options, model);
}

std::string command_of(const op::Operator& op) {
  std::string command = "gemmetry measure " + std::string(kind(op));
  std::visit(
      [&]<class Op>(const Op& one) {
        op::for_each_field<Op>([&](const auto& field) {
          const auto& value = one.*field.member;
          if (!field.required && field.name != "dtype" && is_default(one, field)) return;
          if constexpr (std::is_enum_v<std::remove_cvref_t<decltype(value)>>)
            command += fmt::format(" {} {}", flag_of(field.name), op::word(value));
          else
            command += fmt::format(" {} {}", flag_of(field.name), value);
        });
      },
      op);
  return command;
}

}  // namespace gemmetry::cli
