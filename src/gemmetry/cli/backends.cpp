#include <fmt/format.h>

#include <memory>

#include "gemmetry/backends/open.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/device_options.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/recorded_device.h"
#include "gemmetry/report/table.h"

namespace gemmetry::cli {
namespace {

using report::Column;
using report::Unit;
using report::Value;

constexpr auto examples = R"(Examples:
  gemmetry backends
  gemmetry backends --format json)";

struct Options {
  OutputOptions output;
};

Value text(const char* words) { return words[0] ? Value(std::string(words)) : Value(); }
Value positive(double number) { return number > 0 ? Value(number) : Value(); }

/// What is recorded of a device.
struct Extent {
  std::int64_t records = 0;
  std::string first, last;  ///< when
};

struct Row {
  backends::ListedDevice device;
  std::optional<Extent> recorded;  ///< absent: a device of this machine
};

Row recorded_row(const std::string& gpu) {
  Row row{.device = {.name = "recorded:" + gpu}};
  try {
    const measure::Recordings recordings = load_recordings(gpu);
    row.device.info = recordings.device();
    row.recorded =
        Extent{static_cast<std::int64_t>(recordings.size()), recordings.first_time(), recordings.last_time()};
  } catch (const Error& problem) {
    row.device.reason = problem.what();
  }
  return row;
}

std::vector<Row> rows() {
  std::vector<Row> rows;
  for (backends::ListedDevice& device : backends::list_devices(program_folder()))
    rows.push_back({std::move(device), {}});
  for (const std::string& gpu : recorded_gpus()) rows.push_back(recorded_row(gpu));
  return rows;
}

std::vector<Column<Row>> columns() {
  const auto fact = [](auto get) {
    return [get](const Row& row) { return row.device.info ? get(*row.device.info) : Value(); };
  };
  const auto recorded = [](auto get) {
    return [get](const Row& row) { return row.recorded ? Value(get(*row.recorded)) : Value(); };
  };
  using Info = measure::DeviceInfo;
  return {
      {{.key = "device", .heading = "device"}, [](const Row& r) { return Value(r.device.name); }},
      {{.key = "title", .heading = "what"}, fact([](const Info& i) { return text(i.name); })},
      {{.key = "gpu", .heading = "--gpu"}, fact([](const Info& i) { return text(i.gpu); })},
      {{.key = "sms", .heading = "SMs, cores"},
       fact([](const Info& i) { return i.sms > 0 ? Value(std::int64_t{i.sms}) : Value(); })},
      {{.key = "memory_bytes", .heading = "memory", .unit = Unit::memory},
       fact([](const Info& i) { return positive(static_cast<double>(i.memory_bytes)); })},
      {{.key = "free_bytes", .heading = "free", .unit = Unit::memory},
       fact([](const Info& i) { return positive(static_cast<double>(i.free_bytes)); })},
      {{.key = "l2_bytes", .heading = "cache", .unit = Unit::memory},
       fact([](const Info& i) { return positive(static_cast<double>(i.l2_bytes)); })},
      {{.key = "driver", .heading = "driver"}, fact([](const Info& i) { return text(i.driver); })},
      {{.key = "runtime", .heading = "runtime"}, fact([](const Info& i) { return text(i.runtime); })},
      {{.key = "products", .heading = "products"}, fact([](const Info& i) { return text(i.products); })},
      {{.key = "attention", .heading = "attention"}, fact([](const Info& i) { return text(i.attention); })},
      {{.key = "uuid"}, fact([](const Info& i) { return text(i.uuid); })},
      {{.key = "records", .heading = "records"}, recorded([](const Extent& e) { return e.records; })},
      {{.key = "first", .heading = "from"}, recorded([](const Extent& e) { return e.first; })},
      {{.key = "last", .heading = "to"}, recorded([](const Extent& e) { return e.last; })},
      {{.key = "reason", .heading = "not usable because", .wrap = true},
       [](const Row& r) { return r.device.reason.empty() ? Value() : Value(r.device.reason); }},
  };
}

ExitCode run_backends(const Options& options, const Console& console) {
  report::Document document;
  document.csv = "devices";
  document.sections = {{"devices", "", report::List{make_table(columns(), rows())}}};
  options.output.write(document, console);
  return exit_ok;
}

}  // namespace

void add_backends(CLI::App& app, Command& chosen) {
  CLI::App& sub = *app.add_subcommand(
      "backends", "the devices of this machine that operators can be measured on, and the recorded ones");
  auto options = std::make_shared<Options>();
  options->output.add_to(sub);
  sub.footer(examples);
  set_command(sub, chosen, options, run_backends);
}

}  // namespace gemmetry::cli
