#include <fmt/format.h>

#include <memory>

#include "gemmetry/backends/open.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/device_options.h"
#include "gemmetry/cli/output_options.h"
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

std::vector<Column<backends::ListedDevice>> columns() {
  using Row = backends::ListedDevice;
  const auto fact = [](auto get) { return [get](const Row& row) { return row.info ? get(*row.info) : Value(); }; };
  using Info = measure::DeviceInfo;
  return {
      {{.key = "device", .heading = "device"}, [](const Row& r) { return Value(r.name); }},
      {{.key = "title", .heading = "what"}, fact([](const Info& i) { return text(i.name); })},
      {{.key = "gpu", .heading = "--gpu"}, fact([](const Info& i) { return text(i.gpu); })},
      {{.key = "sms", .heading = "SMs, cores"}, fact([](const Info& i) { return Value(std::int64_t{i.sms}); })},
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
      {{.key = "reason", .heading = "not usable because", .wrap = true},
       [](const Row& r) { return r.reason.empty() ? Value() : Value(r.reason); }},
  };
}

ExitCode run_backends(const Options& options, const Console& console) {
  report::Document document;
  document.csv = "devices";
  document.sections = {{"devices", "", report::List{make_table(columns(), backends::list_devices(program_folder()))}}};
  options.output.write(document, console);
  return exit_ok;
}

}  // namespace

void add_backends(CLI::App& app, Command& chosen) {
  CLI::App& sub = *app.add_subcommand("backends", "the devices of this machine that operators can be measured on");
  auto options = std::make_shared<Options>();
  options->output.add_to(sub);
  sub.footer(examples);
  set_command(sub, chosen, options, run_backends);
}

}  // namespace gemmetry::cli
