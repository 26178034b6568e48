#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/database_option.h"
#include "gemmetry/cli/execution_file.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/record_columns.h"
#include "gemmetry/cli/record_reader.h"
#include "gemmetry/measure/execution_store.h"
#include "gemmetry/measure/record_order.h"
#include "gemmetry/measure/record_store.h"
#include "gemmetry/op/kinds.h"

namespace gemmetry::cli {
namespace {

using measure::Access;
using measure::Admission;
using measure::Record;
using measure::RecordFilter;
using measure::RecordStore;
using report::Column;
using report::Value;

constexpr auto examples = R"(Examples:
  gemmetry records list --kind gemm --status failed
  gemmetry records export --gpu h200 --out h200.csv
  gemmetry records import h200.csv --db other.db
  gemmetry records merge rank0.db rank1.db --db all.db
  gemmetry records check h200.csv)";

constexpr auto list_examples = R"(Examples:
  gemmetry records list
  gemmetry records list --kind gemm --status failed --format json)";

constexpr auto export_examples = R"(Examples:
  gemmetry records export --out records.csv
  gemmetry records export --gpu h200 --samples --format json
  gemmetry records export --kind gemm --dtype bf16 --compact --out gemm_bf16.csv)";

constexpr auto import_examples =
    R"(A record that is there already stays as it is. One mistake in a file, and nothing is stored.

Examples:
  gemmetry records import records.csv
  gemmetry records import data/executions/h200/studies.csv      what ran in one piece: gemmetry study execute
  gemmetry records export --db a.db | gemmetry records import - --db b.db)";

constexpr auto merge_examples = R"(A record that is there already stays as it is.

Examples:
  gemmetry records merge rank0.db rank1.db --db all.db)";

/// Which records.
class FilterOptions {
 public:
  void add_to(CLI::App& app) {
    constexpr auto group = "Filter";
    add_text(app, "--kind", fmt::format("{}", fmt::join(op::operator_kinds(), "|")), "records of that operator",
             [this](const std::string&, const std::string& text) {
               filter_.kind = std::string(kind(op::operator_of_kind(text)));
             })
        ->group(group);
    app.add_option("--gpu", filter_.gpu, "records of that GPU or device, as the records name it")
        ->type_name("GPU")
        ->group(group);
    add_text(app, "--status", "ok|skipped|failed|untrusted", "records with that status",
             [this](const std::string&, const std::string& text) { filter_.status = measure::status_from_name(text); })
        ->group(group);
    add_text(app, "--clocks", "sustained|burst", "records at those clocks",
             [this](const std::string&, const std::string& text) { filter_.clocks = measure::clocks_from_name(text); })
        ->group(group);
    add_text(app, "--dtype", "DTYPE", "records of operators of that dtype",
             [this](const std::string&, const std::string& text) { filter_.dtype = shape::dtype_from_name(text); })
        ->group(group);
    add_text(app, "--policy", "first|tuned", "records with algorithms chosen so",
             [this](const std::string&, const std::string& text) { filter_.policy = measure::policy_from_name(text); })
        ->group(group);
  }

  const RecordFilter& filter() const { return filter_; }

 private:
  RecordFilter filter_;
};

struct ListOptions {
  explicit ListOptions(Format format) : output(format) {}

  DatabaseOption database;
  FilterOptions filter;
  bool samples = false;
  bool compact = false;
  OutputOptions output;
};

struct TakeOptions {
  DatabaseOption database;
  std::vector<std::string> files;
  OutputOptions output;
};

ExitCode run_list(const ListOptions& options, const Console& console) {
  RecordStore store(options.database.path(), Access::read);
  std::vector<Record> records = store.list(options.filter.filter());
  if (options.compact) std::stable_sort(records.begin(), records.end(), measure::comes_before);
  const std::vector<Column<Record>> columns =
      options.compact ? compact_record_columns() : record_columns(options.samples);
  report::Document document;
  document.sections = {{"records", "", report::List{make_table(columns, records)}}};
  options.output.write(document, console);
  return exit_ok;
}

/// What became of a file's records.
struct Taken {
  std::string file;
  Admission admission;
};

Value number(std::int64_t value) { return value; }

report::Document answer(const std::vector<Taken>& taken) {
  const std::vector<Column<Taken>> columns{
      {{.key = "file", .heading = "file"}, [](const Taken& t) { return Value(t.file); }},
      {{.key = "added", .heading = "added"}, [](const Taken& t) { return number(t.admission.added); }},
      {{.key = "present", .heading = "were there"}, [](const Taken& t) { return number(t.admission.present); }},
      {{.key = "conflicting", .heading = "there is another of the same"},
       [](const Taken& t) { return number(t.admission.conflicting); }},
  };
  report::Document document;
  document.sections = {{"files", "", report::List{make_table(columns, taken)}}};
  return document;
}

/// What a file holds: records of operators, or of what ran in one piece.
struct Read {
  std::vector<Record> records;
  std::vector<measure::Execution> executions;
};

Read read_file(const std::string& path) {
  Read read;
  if (path != "-" && is_execution_file(path)) {
    read.executions = read_executions(path);
    return read;
  }
  with_record_file(path,
                   [&](std::istream& stream, const std::string& name) { read.records = read_records(stream, name); });
  return read;
}

ExitCode run_import(const TakeOptions& options, const Console& console) {
  std::vector<Read> files;
  for (const std::string& file : options.files) files.push_back(read_file(file));
  RecordStore store(options.database.writable_path());
  measure::ExecutionStore executions(store.path());
  std::vector<Taken> taken;
  for (std::size_t i = 0; i < files.size(); ++i)
    taken.push_back({options.files[i], files[i].executions.empty() ? store.put_all(files[i].records)
                                                                   : executions.put_all(files[i].executions)});
  options.output.write(answer(taken), console);
  return exit_ok;
}

ExitCode run_merge(const TakeOptions& options, const Console& console) {
  for (const std::string& file : options.files) RecordStore(file, Access::read);  // a mistake is told before anything
  RecordStore store(options.database.writable_path());
  std::vector<Taken> taken;
  for (const std::string& file : options.files) taken.push_back({file, store.merge(file)});
  options.output.write(answer(taken), console);
  return exit_ok;
}

void add_list(CLI::App& records, Command& chosen, const char* name, const char* description, const char* footer,
              Format format) {
  CLI::App& sub = *records.add_subcommand(name, description);
  auto options = std::make_shared<ListOptions>(format);
  options->database.add_to(sub);
  options->filter.add_to(sub);
  if (format == Format::csv) {
    CLI::Option* samples = sub.add_flag("--samples", options->samples, "with every sample of each record");
    sub.add_flag("--compact", options->compact, "for files that are kept: sorted, six digits, and what is held out")
        ->excludes(samples);
  }
  options->output.add_to(sub);
  sub.footer(footer);
  set_command(sub, chosen, options, run_list);
}

template <class Run>
void add_take(CLI::App& records, Command& chosen, const char* name, const char* description, const char* what,
              const char* footer, Run run) {
  CLI::App& sub = *records.add_subcommand(name, description);
  auto options = std::make_shared<TakeOptions>();
  sub.add_option("FILE", options->files, what)->type_name("")->required();
  options->database.add_to(sub);
  options->output.add_to(sub);
  sub.footer(footer);
  set_command(sub, chosen, options, run);
}

}  // namespace

void add_records(CLI::App& app, Command& chosen) {
  CLI::App& sub = *app.add_subcommand("records", "what was measured: list, export, import, merge and check");
  add_list(sub, chosen, "list", "the records of a database", list_examples, Format::table);
  add_list(sub, chosen, "export", "all fields of the records, as CSV unless said", export_examples, Format::csv);
  add_take(sub, chosen, "import", "store the records of CSV files", "CSV files, or - for standard input",
           import_examples, run_import);
  add_take(sub, chosen, "merge", "store the records of other databases", "databases", merge_examples, run_merge);
  add_records_check(sub, chosen);
  add_records_executions(sub, chosen);
  sub.require_subcommand(0, 1);
  sub.footer(examples);
}

}  // namespace gemmetry::cli
