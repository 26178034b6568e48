#include <fmt/format.h>

#include <memory>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/gpu_options.h"
#include "gemmetry/cli/neighbours.h"
#include "gemmetry/cli/operator_columns.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/setting.h"
#include "gemmetry/op/limits.h"
#include "gemmetry/report/number.h"
#include "gemmetry/report/wave_picture.h"

namespace gemmetry::cli {
namespace {

using report::Column;
using report::Unit;
using report::Value;

constexpr auto examples =
    R"(c[m,n] = op(a) op(b), row-major: nt is a linear layer y = x W^T, nn and tn are its gradients.

Examples:
  gemmetry gemm 8192 10922 4096
  gemmetry gemm 2048 2048 80 --batch 128 --gpu a100-80gb
  gemmetry gemm 16 28672 8192 --dtype fp8 --format json)";

struct Options {
  op::Gemm gemm;
  bool states_dtype = false;
  GpuOptions gpu;
  OutputOptions output;
};

struct Answer {
  op::Gemm gemm;
  op::Cost cost;
  predict::GemmPlan plan;
  std::string reason;
};

Value text(std::string_view words) { return std::string(words); }

std::string tiles_text(const predict::GemmPlan& plan) {
  if (plan.tiles <= 0) return "";
  std::string words = fmt::format("{} of {} x {}", plan.tiles, plan.tile_m, plan.tile_n);
  if (plan.split_k > 1) words += fmt::format(", k split in {}", plan.split_k);
  if (plan.swapped) words += ", operands swapped";
  return words;
}

std::string alignment_text(const predict::GemmPlan& plan) {
  return fmt::format("all contiguous sizes divide by {}: {} of the aligned rate", plan.power_of_two,
                     report::shown(plan.alignment_efficiency, Unit::fraction));
}

std::vector<Column<Answer>> answer_columns() {
  using Row = Answer;
  using predict::GemmPlan;
  const auto size = [](std::int64_t GemmPlan::*member) {
    return [member](const Row& r) { return Value(r.plan.*member); };
  };
  const auto part = [](double GemmPlan::*member) { return [member](const Row& r) { return Value(r.plan.*member); }; };

  std::vector<Column<Row>> columns{
      {{.key = "", .heading = "product"}, [](const Row& r) {
         return text(fmt::format("{} {} {}", dims(r.gemm), name(r.gemm.dtype), name(r.gemm.layout)));
       }}};
  for (const Column<op::Operator>& field : field_columns())
    columns.push_back({field.info, [get = field.get](const Row& r) { return get(r.gemm); }});
  const std::vector<Column<Row>> costs{
      {{.key = "time_s", .heading = "time", .unit = Unit::seconds, .interval = true},
       [](const Row& r) {
         return Value(report::Interval{r.cost.time_s, r.cost.time_low_s(), r.cost.time_high_s()});
       }},
      {{.key = "", .heading = "rate", .unit = Unit::flop_per_s},
       [](const Row& r) { return Value(r.cost.flop / r.cost.time_s); }},
      {{.key = "flop", .heading = "FLOP", .unit = Unit::flop}, [](const Row& r) { return Value(r.cost.flop); }},
      {{.key = "bytes", .heading = "bytes", .unit = Unit::bytes}, [](const Row& r) { return Value(r.cost.bytes); }},
      {{.key = "tflops"}, [](const Row& r) { return Value(r.cost.flop / r.cost.time_s / 1e12); }},
      {{.key = "bound", .heading = "bound"}, [](const Row& r) { return text(name(r.cost.bound)); }},
      {{.key = "reason", .heading = "why"}, [](const Row& r) { return text(r.reason); }},
      {{.key = "", .heading = "alignment"}, [](const Row& r) { return text(alignment_text(r.plan)); }},
      {{.key = "power_of_two"}, size(&GemmPlan::power_of_two)},
      {{.key = "alignment_efficiency"}, part(&GemmPlan::alignment_efficiency)},
      {{.key = "", .heading = "tiles"}, [](const Row& r) { return text(tiles_text(r.plan)); }},
      {{.key = "tile_m"}, size(&GemmPlan::tile_m)},
      {{.key = "tile_n"}, size(&GemmPlan::tile_n)},
      {{.key = "split_k"}, size(&GemmPlan::split_k)},
      {{.key = "swapped"}, [](const Row& r) { return Value(r.plan.swapped); }},
      {{.key = "tiles"}, size(&GemmPlan::tiles)},
      {{.key = "waves", .heading = "waves"}, size(&GemmPlan::waves)},
      {{.key = "last_wave_use", .heading = "last wave fills", .unit = Unit::fraction}, part(&GemmPlan::last_wave_use)},
      {{.key = "tensor_time_s", .heading = "multiplying", .unit = Unit::seconds}, part(&GemmPlan::tensor_time_s)},
      {{.key = "memory_time_s", .heading = "moving", .unit = Unit::seconds}, part(&GemmPlan::memory_time_s)},
      {{.key = "fixed_time_s", .heading = "fixed", .unit = Unit::seconds}, part(&GemmPlan::fixed_time_s)},
  };
  columns.insert(columns.end(), costs.begin(), costs.end());
  return columns;
}

std::vector<Column<Neighbour>> neighbour_columns() {
  return {
      {{.key = "sentence", .heading = "neighbour"}, [](const Neighbour& n) { return text(n.sentence); }},
      {{.key = "size"}, [](const Neighbour& n) { return text(std::string(1, n.size)); }},
      {{.key = "value"}, [](const Neighbour& n) { return Value(n.value); }},
      {{.key = "change"}, [](const Neighbour& n) { return Value(n.change); }},
      {{.key = "time_s", .heading = "time", .unit = Unit::seconds},
       [](const Neighbour& n) { return Value(n.cost.time_s); }},
      {{.key = "gain", .heading = "gain", .unit = Unit::factor, .interval = true},
       [](const Neighbour& n) { return Value(interval(n.faster)); }},
  };
}

ExitCode run_gemm(const Options& options, const Console& console) {
  require_priceable(options.gemm);
  const predict::Predictor predictor = options.gpu.predictor();
  op::Gemm gemm = options.gemm;
  if (!options.states_dtype) gemm.dtype = default_dtype(predictor.gpu());
  const Answer answer{gemm, predictor.cost(gemm), predictor.plan(gemm), predictor.reason(gemm)};
  const predict::GemmPlan& plan = answer.plan;
  const std::string picture = report::wave_picture({predictor.gpu().sms, plan.tiles, plan.waves, plan.last_wave_use});
  const std::vector<Neighbour> near = neighbours(gemm, predictor);

  report::Document document;
  document.csv = "gemm";
  document.sections = {
      gpu_section(predictor),
      {"gemm", "", report::Facts{make_table(answer_columns(), answer)}},
      {"", "Waves: one mark per SM, filled where it has a tile", report::Picture{picture}},
      {"neighbours", "Neighbours worth taking (gain: in time, 90 % interval)",
       report::List{make_table(neighbour_columns(), near)}, !near.empty()},
  };
  if (near.empty()) document.sections.push_back({"", "", report::Notes{{"No neighbouring size is worth taking."}}});
  options.output.write(document, console);
  return exit_ok;
}

}  // namespace

void add_gemm(CLI::App& app, Command& chosen) {
  CLI::App& sub =
      *app.add_subcommand("gemm", "one matrix product: time, tiles, waves, and the sizes near it that are faster");
  auto options = std::make_shared<Options>();
  op::Gemm& gemm = options->gemm;
  using shape::Dtype;
  add_size(sub, "M", gemm.m, "rows of the result")->required()->default_str("");
  add_size(sub, "N", gemm.n, "columns of the result")->required()->default_str("");
  add_size(sub, "K", gemm.k, "inner size")->required()->default_str("");
  add_size(sub, "--batch", gemm.batch, "independent products of that size");
  add_choice(sub, "--layout", gemm.layout, {op::Layout::nt, op::Layout::nn, op::Layout::tn}, "storage of the operands");
  add_choice(sub, "--dtype", gemm.dtype, {Dtype::bf16, Dtype::fp16, Dtype::fp8, Dtype::tf32, Dtype::fp32},
             "type of operands; fp16 on a GPU that has no bf16")
      ->each([stated = &options->states_dtype](const std::string&) { *stated = true; });
  options->gpu.add_to(sub);
  options->output.add_to(sub);
  sub.footer(examples);
  set_command(sub, chosen, options, run_gemm);
}

}  // namespace gemmetry::cli
