#include "gemmetry/measure/record_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <unordered_map>

#include "gemmetry/gpu/catalogue.h"
#include "gemmetry/measure/hardware_limit.h"
#include "gemmetry/measure/site.h"
#include "gemmetry/measure/work_series.h"

namespace gemmetry::measure {
namespace {

/// What is known of the GPU that records name.
struct KnownGpu {
  std::optional<gpu::Gpu> gpu;
  double clock_mhz = 0;  ///< the highest that the catalogue or any record has
};

std::string_view gpu_name(const Record& record) {
  return record.device.gpu[0] ? record.device.gpu : record.device.name;
}

KnownGpu known(std::string_view name) {
  const std::vector<std::string> names = gpu::gpu_names();
  if (std::find(names.begin(), names.end(), name) == names.end()) return {};
  KnownGpu found{gpu::load_gpu(std::string(name)), 0};
  found.clock_mhz = found.gpu->boost_clock_hz / 1e6;
  return found;
}

/// Empty where the numbers of a measured record can be.
std::string wrong_numbers(const Record& record) {
  const Measurement& m = record.measurement;
  const ClockReading& clocks = m.clocks;
  if (record.samples < 1) return "it is ok, but has no samples";
  if (!(m.median_s > 0) || !std::isfinite(m.median_s)) return fmt::format("time_s = {} is no time", m.median_s);
  if (!(m.p10_s > 0 && m.p10_s <= m.median_s && m.median_s <= m.p90_s) || !std::isfinite(m.p90_s))
    return fmt::format("p10_s = {}, time_s = {}, p90_s = {} do not ascend", m.p10_s, m.median_s, m.p90_s);
  if (!(m.precision >= 0)) return fmt::format("precision = {} is no width", m.precision);
  if (!(m.overhead_s >= 0)) return fmt::format("overhead_s = {} is no time", m.overhead_s);
  if (record.error && !(*record.error >= 0 && *record.error <= 1))
    return fmt::format("error = {}, though results that are right are off by 0 to 1 times what the dtype allows",
                       *record.error);
  for (const auto& [key, value] :
       {std::pair{"clock_mhz", clocks.clock_mhz}, std::pair{"clock_low_mhz", clocks.clock_low_mhz},
        std::pair{"memory_clock_mhz", clocks.memory_clock_mhz}, std::pair{"power_w", clocks.power_w}})
    if (value && !(*value > 0)) return fmt::format("{} = {} is not above 0", key, *value);
  return "";
}

/// Whether the library, which has an algorithm 0, says which one it was.
bool names_algorithm(const AlgorithmInfo& algorithm) { return algorithm.id > 0 || algorithm.kernel[0]; }

class Check {
 public:
  explicit Check(const std::vector<RecordFile>& files) : files_(files) {
    for (const RecordFile& file : files)
      for (const FiledRecord& filed : file.records) note_gpu(filed.record);
  }

  RecordCheck run() {
    for (const RecordFile& file : files_) check(file);
    check_growth();
    count_findings();
    return std::move(result_);
  }

 private:
  /// Where a record stands.
  struct Place {
    std::size_t file = 0;
    std::int64_t line = 0;
  };

  const std::string& name_of(const Place& place) const { return files_[place.file].name; }

  void note_gpu(const Record& record) {
    const auto [found, is_new] = gpus_.try_emplace(std::string(gpu_name(record)));
    if (is_new) found->second = known(found->first);
    KnownGpu& gpu = found->second;
    gpu.clock_mhz = std::max(gpu.clock_mhz, record.measurement.clocks.clock_mhz.value_or(0));
  }

  void find(const Place& place, std::string what, std::string why) {
    result_.findings.push_back({name_of(place), place.line, std::move(what), std::move(why)});
  }

  void note(const Place& place, const std::string& what, const std::string& why) {
    const auto [found, is_new] =
        notes_.try_emplace(fmt::format("{} {} {}", place.file, what, why), result_.notes.size());
    if (is_new) result_.notes.push_back({name_of(place), place.line, what, 0, why});
    ++result_.notes[found->second].records;
  }

  void check(const RecordFile& file) {
    const std::size_t index = result_.files.size();
    RecordFileSummary& summary = result_.files.emplace_back();
    summary.file = file.name;
    for (const RecordMistake& mistake : file.mistakes) find({index, mistake.line}, "schema", mistake.why);
    for (const FiledRecord& filed : file.records) {
      const Place place{index, filed.line};
      count(filed.record, summary);
      check_once(filed.record, place);
      check_held_out(filed, place);
      check_status(filed.record, place);
    }
  }

  static void count(const Record& record, RecordFileSummary& summary) {
    ++summary.records;
    summary.held_out += is_held_out(record.op);
    switch (record.status) {
      case RecordStatus::ok:
        ++summary.ok;
        break;
      case RecordStatus::skipped:
        ++summary.skipped;
        break;
      case RecordStatus::failed:
        ++summary.failed;
        break;
      case RecordStatus::untrusted:
        ++summary.untrusted;
        break;
    }
  }

  void check_once(const Record& record, const Place& place) {
    const auto [first, is_new] = seen_.try_emplace(identity(record), place);
    if (!is_new)
      find(place, "duplicate",
           fmt::format("{}:{} has the same: {}", name_of(first->second), first->second.line, first->first));
  }

  void check_held_out(const FiledRecord& filed, const Place& place) {
    const bool held_out = is_held_out(filed.record.op);
    if (filed.held_out && *filed.held_out != held_out)
      find(place, "held out",
           fmt::format("its site '{}' is {}held out", site_of(filed.record.op), held_out ? "" : "not "));
  }

  void check_status(const Record& record, const Place& place) {
    if (record.status == RecordStatus::ok) return check_measured(record, place);
    const std::string what(name(record.status));
    if (record.reason.empty()) return find(place, "schema", fmt::format("it is {}, but no reason is given", what));
    if (record.status == RecordStatus::failed)
      find(place, what, fmt::format("{}: {}", text_of(record.op), record.reason));
    else
      note(place, what, record.reason);
  }

  void check_measured(const Record& record, const Place& place) {
    if (const std::string why = wrong_numbers(record); !why.empty()) return find(place, "schema", why);
    if (gpu_name(record).empty()) return find(place, "schema", "it names neither gpu nor device");
    const KnownGpu& gpu = gpus_.at(std::string(gpu_name(record)));
    const std::string why = distrust(record.op, record.measurement, gpu.gpu ? &*gpu.gpu : nullptr, gpu.clock_mhz * 1e6);
    if (!why.empty()) find(place, "above peak", fmt::format("{}: {}", text_of(record.op), why));
    check_algorithm(record, place);
    check_clocks(record, gpu, place);
  }

  /// Products by cuBLASLt. Some of its algorithms, those for few rows among them, have no tile to choose.
  void check_algorithm(const Record& record, const Place& place) {
    const AlgorithmInfo& algorithm = record.algorithm;
    if (std::string_view(algorithm.library) != "cublasLt") return;
    if (!names_algorithm(algorithm))
      find(place, "algorithm", fmt::format("{}: cuBLASLt's algorithm has no id", text_of(record.op)));
    else if (algorithm.tile_m <= 0 || algorithm.tile_n <= 0)
      note(place, "algorithm", fmt::format("cuBLASLt names no tile of its algorithm {}", algorithm.id));
  }

  void check_clocks(const Record& record, const KnownGpu& gpu, const Place& place) {
    const ClockReading& clocks = record.measurement.clocks;
    const bool burst = record.setting.clocks == gpu::Clocks::burst;
    if (burst && clocks.clock_mhz && *clocks.clock_mhz < burst_clock_share * gpu.clock_mhz)
      note(place, "clocks",
           fmt::format("bursts at a clock under {:.0f} % of the highest, {:.0f} MHz", 100 * burst_clock_share,
                       gpu.clock_mhz));
    if (!burst && !(clocks.clock_mhz && clocks.power_w)) note(place, "clocks", "sustained, but without clock or power");
  }

  void check_growth() {
    std::vector<const Record*> records;
    std::vector<Place> places;
    for (std::size_t file = 0; file < files_.size(); ++file)
      for (const FiledRecord& filed : files_[file].records) {
        if (filed.record.status != RecordStatus::ok || !wrong_numbers(filed.record).empty()) continue;
        records.push_back(&filed.record);
        places.push_back({file, filed.line});
      }
    for (const WorkSeries& series : work_series(records)) check_growth(series, records, places);
  }

  /// A finding is against the slowest of the smaller sizes, so that many small falls make one too; behind it the series
  /// begins anew. Steps are from one size to the next.
  void check_growth(const WorkSeries& series, const std::vector<const Record*>& records,
                    const std::vector<Place>& places) {
    const auto time_s = [&](const WorkSeries::Point& point) { return records[point.record]->measurement.median_s; };
    WorkSeries::Point slowest = series.points.front();
    for (std::size_t i = 1; i < series.points.size(); ++i) {
      const WorkSeries::Point &before = series.points[i - 1], &point = series.points[i];
      const Place& place = places[point.record];
      const bool impossible = point.size > slowest.size && time_s(point) < impossible_fall * time_s(slowest) &&
                              time_s(slowest) - time_s(point) >= impossible_fall_s;
      if (point.size > before.size) {
        RecordFileSummary& summary = result_.files[place.file];
        ++summary.steps;
        summary.falls += !impossible && time_s(point) < notable_fall * time_s(before);
      }
      if (impossible) {
        const Place& other = places[slowest.record];
        find(place, "falls",
             fmt::format("{} takes {:.4g} s; with {} = {} in its place ({}:{}) {:.4g} s",
                         text_of(records[point.record]->op), time_s(point), series.size_name, slowest.size,
                         name_of(other), other.line, time_s(slowest)));
      }
      if (impossible || time_s(point) > time_s(slowest)) slowest = point;
    }
  }

  /// File by file and line by line.
  void count_findings() {
    std::unordered_map<std::string_view, std::size_t> order;
    for (std::size_t i = 0; i < files_.size(); ++i) order.try_emplace(files_[i].name, i);
    std::stable_sort(result_.findings.begin(), result_.findings.end(),
                     [&](const RecordFinding& a, const RecordFinding& b) {
                       return std::pair(order.at(a.file), a.line) < std::pair(order.at(b.file), b.line);
                     });
    for (const RecordFinding& finding : result_.findings) ++result_.files[order.at(finding.file)].findings;
  }

  const std::vector<RecordFile>& files_;
  std::map<std::string, KnownGpu, std::less<>> gpus_;
  std::unordered_map<std::string, Place> seen_;
  std::unordered_map<std::string, std::size_t> notes_;
  RecordCheck result_;
};

}  // namespace

RecordCheck check_records(const std::vector<RecordFile>& files) { return Check(files).run(); }

}  // namespace gemmetry::measure
