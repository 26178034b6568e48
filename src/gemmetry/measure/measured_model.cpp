#include "gemmetry/measure/measured_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "gemmetry/gpu/catalogue.h"
#include "gemmetry/measure/sweep.h"
#include "gemmetry/op/dtype_of.h"

namespace gemmetry::measure {
namespace {

/// Standard deviations of the logarithm of all times of a session against those of another one: burst runs at a fixed
/// clock, sustained at one that power and temperature decide.
constexpr double burst_drift = 0.003;
constexpr double sustained_drift = 0.01;

/// Without a GPU's facts: products of more FLOP a byte than this are bound by multiplying on every device there is.
constexpr double dense_flop_per_byte = 100;

op::ErrorClass class_of(const op::Operator& op) {
  if (const auto* gemm = std::get_if<op::Gemm>(&op))
    return gemm->batch > 1 ? op::ErrorClass::batched_product : op::ErrorClass::product;
  if (std::holds_alternative<op::GroupedGemm>(op)) return op::ErrorClass::product;
  if (std::holds_alternative<op::Attention>(op)) return op::ErrorClass::attention;
  if (std::holds_alternative<op::Collective>(op)) return op::ErrorClass::collective;
  return op::ErrorClass::pointwise;
}

/// Libraries multiply fp8 as nt alone: whoever quantises an operand stores it the way its product needs, so that nn and
/// tn products run as nt. Absent for what has no such form.
std::optional<op::Operator> as_nt(const op::Operator& op) {
  if (const auto* gemm = std::get_if<op::Gemm>(&op)) {
    if (gemm->dtype != shape::Dtype::fp8 || gemm->layout == op::Layout::nt) return std::nullopt;
    op::Gemm nt = *gemm;
    nt.layout = op::Layout::nt;
    return nt;
  }
  if (const auto* grouped = std::get_if<op::GroupedGemm>(&op)) {
    if (grouped->dtype != shape::Dtype::fp8 || grouped->layout != op::Layout::nn) return std::nullopt;
    op::GroupedGemm nt = *grouped;
    nt.layout = op::Layout::nt;
    return nt;
  }
  return std::nullopt;
}

std::string text_of(const Setting& setting) {
  return fmt::format("{} clocks, {} algorithm, launch {}, cache {}", gpu::name(setting.clocks), name(setting.policy),
                     name(setting.replay), cache_name(setting.warm));
}

std::optional<gpu::Gpu> catalogued(const std::string& name) {
  const std::vector<std::string> names = gpu::gpu_names();
  if (std::find(names.begin(), names.end(), name) == names.end()) return std::nullopt;
  return gpu::load_gpu(name);
}

}  // namespace

MeasuredModel::MeasuredModel(Measurer& measurer, RecordStore& store)
    : measurer_(&measurer),
      store_(&store),
      source_(store.path()),
      setting_(measurer.setting()),
      device_(measurer.device()) {
  if (measurer.gpu()) gpu_ = *measurer.gpu();
}

MeasuredModel::MeasuredModel(RecordStore& store, const RecordChoice& choice)
    : source_(store.path()), setting_(choice.setting) {
  std::set<std::string> gpus;
  store.each({.gpu = choice.gpu, .clocks = setting_.clocks}, [&](const Record& record) {
    if (record.setting != setting_) return;
    gpus.insert(record.device.gpu[0] ? record.device.gpu : record.device.name);
    device_ = record.device;
    const auto [at, added] = records_.try_emplace(record.op, record);
    const bool better = (record.status == RecordStatus::ok) > (at->second.status == RecordStatus::ok);
    const bool equal = (record.status == RecordStatus::ok) == (at->second.status == RecordStatus::ok);
    if (!added && (better || (equal && record.time > at->second.time))) at->second = record;
  });
  if (records_.empty())
    throw Error(fmt::format("{}: no record at {}{}; measure first", store.path(), text_of(setting_),
                            choice.gpu ? " of " + *choice.gpu : ""));
  if (gpus.size() > 1)
    throw Error(fmt::format("{}: records of several GPUs ({}): choose one", store.path(), fmt::join(gpus, ", ")));
  gpu_ = catalogued(device_.gpu);
}

MeasuredModel::MeasuredModel(const Recordings& recordings, const Setting& setting)
    : recordings_(&recordings),
      source_(recordings.source()),
      setting_(setting),
      device_(recordings.device()),
      gpu_(catalogued(device_.gpu)) {}

op::Cost MeasuredModel::cost(const op::Operator& op) const {
  const std::scoped_lock lock(mutex_);
  const Measurement& measurement = find(op).measurement;
  op::Cost cost;
  cost.time_s = measurement.median_s;
  cost.flop = op::flop(op);
  cost.bytes = op::bytes(op);
  cost.bound = bound(op);
  cost.error_class = class_of(op);
  cost.error.shared = setting_.clocks == gpu::Clocks::burst ? burst_drift : sustained_drift;
  cost.error.independent = measurement.precision / op::normal_90;
  cost.origin = op::Origin::measured;
  return cost;
}

std::string MeasuredModel::reason(const op::Operator& op) const {
  const std::scoped_lock lock(mutex_);
  const Record& record = find(op);
  const std::string algorithm = measure::text_of(record.algorithm);
  return record.op == op ? algorithm : algorithm + ", measured with its operands stored as nt needs them";
}

std::string MeasuredModel::source() const {
  return fmt::format("measured on {}: {}; records in {}", device_.name[0] ? device_.name : device_.gpu,
                     text_of(setting_), source_);
}

Record MeasuredModel::record(const op::Operator& op) const {
  const std::scoped_lock lock(mutex_);
  return find(op);
}

const Record& MeasuredModel::find(const op::Operator& op) const {
  std::string why;
  if (const Record* record = usable(op, why)) return *record;
  if (const std::optional<op::Operator> nt = as_nt(op)) {
    std::string unused;
    if (const Record* record = usable(*nt, unused)) return *record;
  }
  throw NoMeasurement(why);
}

/// The operator's record if it is ok, or why there is none.
const Record* MeasuredModel::usable(const op::Operator& op, std::string& why) const {
  const Record* record = known(op);
  if (!record && measurer_) record = &records_.emplace(op, measured(op)).first->second;
  if (!record)
    why = recordings_ ? "not recorded: " + recordings_->why_missing(op, setting_)
                      : fmt::format("{}: no record of {} at {}", source_, measure::text_of(op), text_of(setting_));
  else if (record->status != RecordStatus::ok)
    why = fmt::format("{} is {}: {}", measure::text_of(op), name(record->status), record->reason);
  else
    return record;
  return nullptr;
}

/// The record at hand; null: there is none yet.
const Record* MeasuredModel::known(const op::Operator& op) const {
  if (recordings_) return recordings_->find(op, setting_);
  const auto at = records_.find(op);
  return at == records_.end() ? nullptr : &at->second;
}

Record MeasuredModel::measured(const op::Operator& op) const {
  if (const std::optional<Record> stored = store_->get(identity(measurer_->blank(op)))) return *stored;
  if (measurer_->lost()) throw DeviceLost("the device was lost: run the same command again to go on");
  const Record record = measurer_->measure(op);
  store_->put(record);
  if (measurer_->lost())
    throw DeviceLost(fmt::format("the device was lost at {}: {}; run the same command again to go on without this one",
                                 measure::text_of(op), record.reason));
  return record;
}

op::Bound MeasuredModel::bound(const op::Operator& op) const {
  const double flop = op::flop(op);
  const double bytes = op::bytes(op);
  if (std::holds_alternative<op::Collective>(op)) return op::Bound::network;
  if (!gpu_) return flop > dense_flop_per_byte * bytes ? op::Bound::tensor : op::Bound::memory;
  double tensor_s = 0;
  try {
    if (flop > 0) tensor_s = flop / gpu::peak_flops(*gpu_, dtype_of(op));
  } catch (const Error&) {
    // The catalogue knows no unit for this dtype, but the device ran it all the same.
  }
  const double memory_s = bytes / gpu_->bandwidth;
  const double launch_s = setting_.replay == Replay::graph ? gpu_->launch_graph_s : gpu_->launch_stream_s;
  if (launch_s > std::max(tensor_s, memory_s)) return op::Bound::launch;
  return tensor_s > memory_s ? op::Bound::tensor : op::Bound::memory;
}

}  // namespace gemmetry::measure
