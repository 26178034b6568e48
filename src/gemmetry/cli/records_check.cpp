#include <fmt/format.h>

#include <memory>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/record_reader.h"
#include "gemmetry/measure/record_check.h"
#include "gemmetry/measure/site.h"

namespace gemmetry::cli {
namespace {

using measure::FiledRecord;
using measure::RecordCheck;
using measure::RecordFile;
using measure::RecordFileSummary;
using measure::RecordFinding;
using measure::RecordNote;
using report::Column;
using report::Tone;
using report::Unit;
using report::Value;

/// A file with more mistakes than this is no file of records; the rest of it is not read.
constexpr std::size_t most_mistakes = 100;

constexpr auto examples =
    R"(Exit status: 0 when nothing is wrong, 1 when something is. What is skipped, untrusted or
measured at low clocks is told, but is not wrong.

Examples:
  gemmetry records check gemm_bf16.csv attention.csv
  gemmetry records export --compact | gemmetry records check -)";

struct Options {
  std::vector<std::string> files;
  OutputOptions output;
};

RecordFile read(std::istream& stream, const std::string& name) {
  RecordFile file{.name = name, .records = {}, .mistakes = {}};
  const auto add_mistake = [&](std::int64_t line, std::string_view why) {
    const std::string place = fmt::format("{}:{}: ", name, line);
    if (why.starts_with(place)) why.remove_prefix(place.size());
    file.mistakes.push_back({line, std::string(why)});
  };
  std::optional<RecordReader> reader;
  try {
    reader.emplace(stream, name);
  } catch (const Error& problem) {
    add_mistake(1, problem.what());
    return file;
  }
  if (!reader->tells_held_out())
    add_mistake(1, fmt::format("column '{}' is missing: make the file with gemmetry records export --compact",
                               measure::held_out_key));
  while (file.mistakes.size() < most_mistakes) {
    FiledRecord filed;
    try {
      if (!reader->next(filed)) break;
      if (reader->tells_held_out() && !filed.held_out)
        add_mistake(reader->line(), fmt::format("column '{}' is empty", measure::held_out_key));
      file.records.push_back(std::move(filed));
    } catch (const Error& problem) {
      add_mistake(reader->line(), problem.what());
    }
  }
  return file;
}

Value size(std::int64_t n) { return n; }

std::vector<Column<RecordFinding>> finding_columns() {
  return {
      {{.key = "file", .heading = "file", .once = true}, [](const RecordFinding& f) { return Value(f.file); }},
      {{.key = "line", .heading = "line"}, [](const RecordFinding& f) { return size(f.line); }},
      {{.key = "what", .heading = "what"},
       [](const RecordFinding& f) { return Value(f.what); },
       [](const RecordFinding&) { return Tone::bad; }},
      {{.key = "why", .heading = "why", .wrap = true}, [](const RecordFinding& f) { return Value(f.why); }},
  };
}

std::vector<Column<RecordNote>> note_columns() {
  return {
      {{.key = "file", .heading = "file", .once = true}, [](const RecordNote& n) { return Value(n.file); }},
      {{.key = "line", .heading = "from line"}, [](const RecordNote& n) { return size(n.line); }},
      {{.key = "what", .heading = "what"}, [](const RecordNote& n) { return Value(n.what); }},
      {{.key = "records", .heading = "records"}, [](const RecordNote& n) { return size(n.records); }},
      {{.key = "why", .heading = "why", .wrap = true}, [](const RecordNote& n) { return Value(n.why); }},
  };
}

Value share_of_falls(const RecordFileSummary& file) {
  if (file.steps == 0) return report::Unknown{};
  return static_cast<double>(file.falls) / static_cast<double>(file.steps);
}

std::vector<Column<RecordFileSummary>> file_columns() {
  const auto count = [](std::int64_t RecordFileSummary::*member) {
    return [member](const RecordFileSummary& f) { return size(f.*member); };
  };
  return {
      {{.key = "file", .heading = "file"}, [](const RecordFileSummary& f) { return Value(f.file); }},
      {{.key = "records", .heading = "records"}, count(&RecordFileSummary::records)},
      {{.key = "ok", .heading = "ok"}, count(&RecordFileSummary::ok)},
      {{.key = "skipped", .heading = "skipped"}, count(&RecordFileSummary::skipped)},
      {{.key = "failed", .heading = "failed"}, count(&RecordFileSummary::failed)},
      {{.key = "untrusted", .heading = "untrusted"}, count(&RecordFileSummary::untrusted)},
      {{.key = "held_out", .heading = "held out"}, count(&RecordFileSummary::held_out)},
      {{.key = "steps", .heading = "steps"}, count(&RecordFileSummary::steps)},
      {{.key = "falls", .heading = "that fall", .unit = Unit::fraction}, share_of_falls},
      {{.key = "findings", .heading = "findings"},
       count(&RecordFileSummary::findings),
       [](const RecordFileSummary& f) { return f.findings > 0 ? Tone::bad : Tone::good; }},
  };
}

ExitCode run_check(const Options& options, const Console& console) {
  std::vector<RecordFile> files;
  for (const std::string& path : options.files)
    with_record_file(path, [&](std::istream& stream, const std::string& name) { files.push_back(read(stream, name)); });
  const RecordCheck check = check_records(files);
  const std::string steps =
      fmt::format("Files; steps from a size to the next, on which the time falls by over {:.0f} %",
                  100 * (1 - measure::notable_fall));
  report::Document document;
  document.csv = "findings";
  document.sections = {
      {"findings", "What is wrong", report::List{make_table(finding_columns(), check.findings)},
       !check.findings.empty()},
      {"notes", "What is to be known", report::List{make_table(note_columns(), check.notes)}, !check.notes.empty()},
      {"files", steps, report::List{make_table(file_columns(), check.files)}},
  };
  options.output.write(document, console);
  return check.findings.empty() ? exit_ok : exit_finding;
}

}  // namespace

void add_records_check(CLI::App& records, Command& chosen) {
  CLI::App& sub = *records.add_subcommand("check", "whether files of records are whole, plausible and marked rightly");
  auto options = std::make_shared<Options>();
  sub.add_option("FILE", options->files, "CSV files, or - for standard input")->type_name("")->required();
  options->output.add_to(sub);
  sub.footer(examples);
  set_command(sub, chosen, options, run_check);
}

}  // namespace gemmetry::cli
