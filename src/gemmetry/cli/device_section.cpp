#include "gemmetry/cli/device_section.h"

#include <fmt/format.h>

#include "gemmetry/report/number.h"

namespace gemmetry::cli {
namespace {

using measure::Recordings;
using report::Column;
using report::Value;

struct Row {
  const measure::DeviceInfo& info;
  const measure::Setting* setting = nullptr;  ///< null: not said
  const Recordings* recordings = nullptr;     ///< null: the device itself
};

Value text(const std::string& words) { return words.empty() ? Value() : Value(words); }

/// "17,912 records of 2026-11-22 to 2026-11-24"
std::string recorded_text(const Recordings& recordings) {
  constexpr std::size_t day = 10;
  const std::string first = recordings.first_time().substr(0, day);
  const std::string last = recordings.last_time().substr(0, day);
  std::string words = fmt::format("{} records", report::grouped(static_cast<std::int64_t>(recordings.size())));
  if (!first.empty()) words += " of " + first;
  return first == last ? words : words + " to " + last;
}

std::vector<Column<Row>> columns() {
  const auto setting = [](auto get) {
    return [get](const Row& r) { return r.setting ? Value(std::string(get(*r.setting))) : Value(); };
  };
  const auto recorded = [](auto get) {
    return [get](const Row& r) { return r.recordings ? Value(get(*r.recordings)) : Value(); };
  };
  return {
      {{.key = "name", .heading = "device"}, [](const Row& r) { return text(r.info.name); }},
      {{.heading = "recorded"}, recorded(recorded_text)},
      {{.key = "recorded.records"}, recorded([](const Recordings& r) { return static_cast<std::int64_t>(r.size()); })},
      {{.key = "recorded.first"}, recorded([](const Recordings& r) { return text(r.first_time()); })},
      {{.key = "recorded.last"}, recorded([](const Recordings& r) { return text(r.last_time()); })},
      {{.key = "recorded.folder"}, recorded([](const Recordings& r) { return r.source(); })},
      {{.key = "gpu"}, [](const Row& r) { return text(r.info.gpu); }},
      {{.key = "driver", .heading = "driver"}, [](const Row& r) { return text(r.info.driver); }},
      {{.key = "runtime", .heading = "runtime"}, [](const Row& r) { return text(r.info.runtime); }},
      {{.key = "products", .heading = "products by"}, [](const Row& r) { return text(r.info.products); }},
      {{.key = "attention", .heading = "attention by"}, [](const Row& r) { return text(r.info.attention); }},
      {{.key = "clocks", .heading = "clocks"}, setting([](const measure::Setting& s) { return name(s.clocks); })},
      {{.key = "algorithm", .heading = "algorithm"}, setting([](const measure::Setting& s) { return name(s.policy); })},
      {{.key = "launch", .heading = "launch"}, setting([](const measure::Setting& s) { return name(s.replay); })},
      {{.key = "cache", .heading = "cache"},
       setting([](const measure::Setting& s) { return measure::cache_name(s.warm); })},
  };
}

report::Section section(const Row& row) { return {"device", "", report::Facts{make_table(columns(), row)}}; }

}  // namespace

report::Section device_section(const measure::DeviceInfo& device, const measure::Setting* setting) {
  return section({device, setting});
}

report::Section device_section(const Recordings& recordings, const measure::Setting& setting) {
  return section({recordings.device(), &setting, &recordings});
}

}  // namespace gemmetry::cli
