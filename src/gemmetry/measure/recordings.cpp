#include "gemmetry/measure/recordings.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "gemmetry/base/error.h"

namespace gemmetry::measure {
namespace {

std::string_view gpu_of(const Record& record) { return record.device.gpu[0] ? record.device.gpu : record.device.name; }

/// Whether `a` answers rather than `b`.
bool is_better(const Record& a, const Record& b) {
  const bool a_ok = a.status == RecordStatus::ok;
  const bool b_ok = b.status == RecordStatus::ok;
  if (a_ok != b_ok) return a_ok;
  if (a.take != b.take) return a.take < b.take;
  return a.time > b.time;
}

/// The options that ask for `there` instead of `asked`.
std::vector<std::string> changes(const Setting& asked, const Setting& there) {
  std::vector<std::string> options;
  if (asked.clocks != there.clocks) options.push_back(fmt::format("with --clocks {}", gpu::name(there.clocks)));
  if (asked.policy != there.policy) options.push_back(fmt::format("with --algorithm {}", name(there.policy)));
  if (asked.replay != there.replay) options.push_back(fmt::format("with --launch {}", name(there.replay)));
  if (asked.warm != there.warm) options.push_back(there.warm ? "with --warm" : "without --warm");
  return options;
}

/// The operator on operands of another type; absent where it has none, or that one.
std::optional<op::Operator> in_dtype(op::Operator op, shape::Dtype dtype) {
  const bool changed = std::visit(
      [&](auto& one) {
        if constexpr (requires { one.dtype; })
          return std::exchange(one.dtype, dtype) != dtype;
        else
          return false;
      },
      op);
  return changed ? std::optional(op) : std::nullopt;
}

}  // namespace

Recordings::Recordings(std::vector<Record> records, std::string source)
    : records_(std::move(records)), source_(std::move(source)) {
  if (records_.empty()) throw Error(fmt::format("{}: holds no record", source_));
  by_operator_.reserve(records_.size());
  for (std::size_t i = 0; i < records_.size(); ++i) {
    const Record& record = records_[i];
    if (gpu_of(record) != gpu_of(records_.front()))
      throw Error(fmt::format("{}: records of several GPUs ({} and {}); those of one belong into a folder", source_,
                              gpu_of(records_.front()), gpu_of(record)));
    by_operator_[record.op].push_back(i);
    if (record.time.empty()) continue;
    if (first_time_.empty() || record.time < first_time_) first_time_ = record.time;
    if (record.time < last_time_) continue;
    last_time_ = record.time;
    latest_ = i;
  }
}

const DeviceInfo& Recordings::device() const { return records_[latest_].device; }

const Recordings::Indexes& Recordings::of(const op::Operator& op) const {
  static const Indexes none;
  const auto at = by_operator_.find(op);
  return at == by_operator_.end() ? none : at->second;
}

const Record* Recordings::find(const op::Operator& op, const Setting& setting) const {
  const Record* best = nullptr;
  for (const std::size_t i : of(op)) {
    const Record& record = records_[i];
    if (record.setting == setting && (!best || is_better(record, *best))) best = &record;
  }
  return best;
}

std::string Recordings::why_missing(const op::Operator& op, const Setting& setting) const {
  const Indexes& there = of(op);
  if (!there.empty()) {
    std::vector<std::vector<std::string>> ways;
    for (const std::size_t i : there) ways.push_back(changes(setting, records_[i].setting));
    const auto nearest =
        std::min_element(ways.begin(), ways.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
    const bool only = std::all_of(ways.begin(), ways.end(), [&](const auto& way) { return way == *nearest; });
    return fmt::format("recorded {}{}", only ? "only " : "", fmt::join(*nearest, " and "));
  }
  std::vector<std::string_view> dtypes;
  for (const shape::Dtype dtype : shape::all_dtypes())
    if (const std::optional<op::Operator> other = in_dtype(op, dtype); other && !of(*other).empty())
      dtypes.push_back(shape::name(dtype));
  if (!dtypes.empty()) return fmt::format("recorded only with --dtype {}", fmt::join(dtypes, ", "));
  return "no record of these sizes";
}

}  // namespace gemmetry::measure
