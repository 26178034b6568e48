#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/gpu_options.h"
#include "gemmetry/cli/operator_rows.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/setting.h"
#include "gemmetry/op/kinds.h"

namespace gemmetry::cli {
namespace {

using report::Column;
using report::Unit;
using report::Value;

constexpr auto examples =
    R"(The columns are an operator's fields (docs/json.md); for gemm: m,n,k and, if you like, batch,dtype,layout,epilogue.
Other columns are carried along. Each row gets time_s, time_low_s, time_high_s (90 % interval) and reason.

Examples:
  gemmetry predict gemm --from shapes.csv
  printf 'batch,m,n,k\n128,2048,2048,80\n' | gemmetry predict gemm --from - --gpu a100-80gb
  gemmetry predict attention --from attention.csv --format json --out predicted.json)";

struct Options {
  std::string kind;
  std::string from;
  GpuOptions gpu;
  OutputOptions output{Format::csv};
};

struct Row {
  std::vector<Value> cells;
  op::Cost cost;
  std::string reason;
};

/// What a prediction adds. An input column of the same name is carried along as input_NAME.
std::vector<Column<Row>> added_columns() {
  return {
      {{.key = "time_s", .heading = "time", .unit = Unit::seconds, .interval = true},
       [](const Row& r) {
         return Value(report::Interval{r.cost.time_s, r.cost.time_low_s(), r.cost.time_high_s()});
       }},
      {{.key = "reason", .heading = "why", .wrap = true}, [](const Row& r) { return Value(r.reason); }},
  };
}

std::vector<Column<Row>> columns(const std::vector<std::string>& input) {
  std::vector<Column<Row>> all;
  for (std::size_t i = 0; i < input.size(); ++i) {
    const bool taken =
        input[i] == "time_s" || input[i] == "time_low_s" || input[i] == "time_high_s" || input[i] == "reason";
    const std::string key = taken ? "input_" + input[i] : input[i];
    all.push_back({{.key = key, .heading = key}, [i](const Row& row) { return row.cells[i]; }});
  }
  for (Column<Row>& column : added_columns()) all.push_back(std::move(column));
  return all;
}

report::Document answer(const Options& options, std::istream& stream, const std::string& source) {
  const predict::Predictor predictor = options.gpu.predictor();
  CsvReader reader(stream, source);
  OperatorRows operators(options.kind, default_dtype(predictor.gpu()), reader);
  std::vector<Row> rows;
  op::Operator op;
  for (Row row; operators.next(op, row.cells);) {
    try {
      row.cost = predictor.cost(op);
      row.reason = predictor.reason(op);
    } catch (const Error& problem) {
      reader.fail(problem.what());
    }
    rows.push_back(row);
  }
  report::Document document;
  document.csv = "rows";
  document.sections = {gpu_section(predictor),
                       {"rows", "", report::List{make_table(columns(operators.columns()), rows)}}};
  return document;
}

ExitCode run_predict(const Options& options, const Console& console) {
  op::operator_of_kind(options.kind);
  if (options.from == "-") {
    options.output.write(answer(options, std::cin, "standard input"), console);
    return exit_ok;
  }
  if (std::filesystem::is_directory(options.from)) throw Error(options.from + ": is a directory; name a CSV file");
  std::ifstream file(options.from, std::ios::binary);
  if (!file) throw Error(options.from + ": cannot be read; name a CSV file, or - for standard input");
  options.output.write(answer(options, file, options.from), console);
  return exit_ok;
}

}  // namespace

void add_predict(CLI::App& app, Command& chosen) {
  CLI::App& sub = *app.add_subcommand("predict", "an estimate for each row of a CSV of operators");
  auto options = std::make_shared<Options>();
  add_text(sub, "OP", fmt::format("{}", fmt::join(op::operator_kinds(), "|")), "kind of the operators",
           [kind = &options->kind](const std::string&, const std::string& text) { *kind = text; })
      ->required();
  sub.add_option("--from", options->from, "the CSV file, or - for standard input")->type_name("FILE")->required();
  options->gpu.add_to(sub);
  options->output.add_to(sub);
  sub.footer(examples);
  set_command(sub, chosen, options, run_predict);
}

}  // namespace gemmetry::cli
