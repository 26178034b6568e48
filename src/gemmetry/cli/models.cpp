#include <memory>

#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/setting.h"
#include "gemmetry/shape/import.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::cli {
namespace {

using report::Column;
using report::Unit;
using report::Value;
using shape::Model;

constexpr auto examples = R"(Examples:
  gemmetry models
  gemmetry models llama-2-7b
  gemmetry models path/to/config.json --format json)";

struct Options {
  std::string model;
  OutputOptions output;
};

/// The field table of one model, with what fits a list on screen.
std::vector<Column<Model>> list_columns() {
  const auto screen = [](const char* heading, Unit unit, std::function<Value(const Model&)> get) {
    return Column<Model>{{.key = "", .heading = heading, .unit = unit}, std::move(get)};
  };
  std::vector<Column<Model>> columns;
  for (Column<Model> column : model_columns()) {
    if (column.info.key.empty()) continue;
    if (column.info.key != "name") column.info.heading.clear();
    columns.push_back(column);
  }
  const std::vector<Column<Model>> shown{
      screen("parameters", Unit::count, [](const Model& m) { return Value(shape::count_parameters(m).total); }),
      screen("h", Unit::none, [](const Model& m) { return Value(m.hidden); }),
      screen("L", Unit::none, [](const Model& m) { return Value(m.layers); }),
      screen("heads", Unit::none, [](const Model& m) { return Value(m.attention.heads); }),
      screen("KV", Unit::none, [](const Model& m) { return Value(m.attention.kv_heads); }),
      screen("dim", Unit::none, [](const Model& m) { return Value(m.attention.head_dim); }),
      screen("d_ff", Unit::none, [](const Model& m) { return Value(m.ffn.width); }),
      screen("experts", Unit::none, [](const Model& m) { return m.experts ? Value(m.experts->count) : Value(); }),
      screen("v", Unit::none, [](const Model& m) { return Value(m.vocab); }),
      screen("positions", Unit::none, [](const Model& m) { return Value(std::string(name(m.positions))); }),
  };
  columns.insert(columns.end(), shown.begin(), shown.end());
  return columns;
}

ExitCode run_models(const Options& options, const Console& console) {
  report::Document document;
  if (!options.model.empty()) {
    document.sections = {model_section(shape::load_model(options.model))};
  } else {
    std::vector<Model> models;
    for (const std::string& name : shape::preset_names()) models.push_back(shape::preset(name));
    document.sections = {{"models", "", report::List{make_table(list_columns(), models)}}};
  }
  options.output.write(document, console);
  return exit_ok;
}

}  // namespace

void add_models(CLI::App& app, Command& chosen) {
  CLI::App& sub = *app.add_subcommand("models", "the built-in models, or the sizes of one model");
  auto options = std::make_shared<Options>();
  add_text(sub, "MODEL", "", "a preset or path; all presets when left out",
           [model = &options->model](const std::string&, const std::string& text) { *model = text; });
  options->output.add_to(sub);
  sub.footer(examples);
  set_command(sub, chosen, options, run_models);
}

}  // namespace gemmetry::cli
