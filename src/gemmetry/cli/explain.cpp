#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/comparison_section.h"
#include "gemmetry/cli/device_section.h"
#include "gemmetry/cli/executed_whole.h"
#include "gemmetry/cli/explanation.h"
#include "gemmetry/cli/gpu_options.h"
#include "gemmetry/cli/measuring_session.h"
#include "gemmetry/cli/model_options.h"
#include "gemmetry/cli/operators_section.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/recorded_device.h"
#include "gemmetry/cli/setting.h"
#include "gemmetry/cli/step_columns.h"
#include "gemmetry/cli/workload_options.h"

namespace gemmetry::cli {
namespace {

using report::Column;
using report::Unit;
using report::Value;

constexpr auto examples = R"(Examples:
  gemmetry explain gpt3-2.7b
  gemmetry explain llama-2-7b --ffn 10922 --gpu h200 --layer
  gemmetry explain my/config.json --phase decode --batch 16 --cache 4096
  gemmetry explain --hidden 2560 --layers 32 --heads 20 --vocab 50304 --attention unfused
  gemmetry explain llama-2-7b --phase training --tp 4 --tokens 300e9 --gpus 64
  gemmetry explain llama-2-7b --phase training --compare          predicted beside measured on this machine's GPU
  gemmetry explain llama-2-7b --compare --device recorded:h200    the same from records, where there are any
  gemmetry explain gpt3-2.7b --format json --out explained.json)";

struct Options {
  ModelOptions model;
  WorkloadOptions workload{shape::Phase::forward};
  GpuOptions gpu;
  MeasuringOptions measuring;
  OutputOptions output;
  bool layer = false;
  bool compare = false;
  std::optional<std::int64_t> tokens, gpus;

  void add_run_to(CLI::App& app);
  void add_compare_to(CLI::App& app);
};

/// What a training run of so many tokens on so many GPUs takes.
struct Run {
  std::int64_t tokens = 0;
  std::int64_t gpus = 0;
  report::Interval days;
};

/// All that the totals are made of.
struct Answer {
  shape::Model model;
  shape::Workload workload;
  const predict::Predictor& predictor;
  Explanation explained;
  std::optional<Run> run;
};

Value text(std::string_view words) { return std::string(words); }

std::string kind_text(const shape::Model& model, shape::LayerKind kind) {
  std::string words = kind.sparse ? "experts" : "dense";
  if (model.attention.window > 0) words += kind.windowed ? ", windowed" : ", full attention";
  if (model.positions == shape::Positions::rotary && !kind.rotary) words += ", no rotation";
  return words;
}

std::vector<Column<ExplainedLayer>> layer_columns(const shape::Model& model) {
  using Row = ExplainedLayer;
  return {
      {{.key = "kind", .heading = "layers"}, [model](const Row& r) { return text(kind_text(model, r.kind)); }},
      {{.key = "count", .heading = "count"}, [](const Row& r) { return Value(r.count); }},
      {{.key = "layer_time_s", .heading = "time of one", .unit = Unit::seconds, .interval = true},
       [](const Row& r) { return Value(interval(r.time)); }},
  };
}

/// The column of a training step's rate, which other phases do not have.
template <class Get>
std::function<Value(const Answer&)> of_training(Get get) {
  return [get](const Answer& a) { return a.explained.training ? Value(get(*a.explained.training)) : Value(); };
}

template <class Get>
std::function<Value(const Answer&)> of_run(Get get) {
  return [get](const Answer& a) { return a.run ? Value(get(*a.run)) : Value(); };
}

std::vector<Column<Answer>> total_columns() {
  using Row = Answer;
  const auto rate = [](const Row& r) { return r.explained.flop / r.explained.model_time.value; };
  return {
      {{.key = "layer_time_s", .heading = "layer", .unit = Unit::seconds, .interval = true},
       [](const Row& r) { return Value(interval(r.explained.layer_time)); }},
      {{.key = "model_time_s", .heading = "model", .unit = Unit::seconds, .interval = true},
       [](const Row& r) { return Value(interval(r.explained.model_time)); }},
      {{.key = "time_per_token_s", .heading = "per token", .unit = Unit::seconds, .interval = true},
       [](const Row& r) { return Value(interval(r.explained.time_per_token)); }},
      {{.key = "tokens"}, [](const Row& r) { return Value(r.explained.tokens); }},
      {{.key = "flop", .heading = "FLOP", .unit = Unit::flop}, [](const Row& r) { return Value(r.explained.flop); }},
      {{.key = "bytes", .heading = "bytes", .unit = Unit::bytes},
       [](const Row& r) { return Value(r.explained.bytes); }},
      {{.key = "", .heading = "rate", .unit = Unit::flop_per_s}, [=](const Row& r) { return Value(rate(r)); }},
      {{.key = "tflops"}, [=](const Row& r) { return Value(rate(r) / 1e12); }},
      {{.key = "layer_reason", .heading = "layer, why"}, [](const Row& r) { return text(r.explained.layer_reason); }},
      {{.key = "model_flop_utilisation"}, of_training([](const TrainingRate& t) { return t.model_flop_utilisation; })},
      {{.key = "", .heading = "MFU"}, of_training([](const TrainingRate& t) {
         return fmt::format("{:.1f} % = 3 x FLOP of the forward pass / (time x dense peak of the GPU at boost clock)",
                            100 * t.model_flop_utilisation);
       })},
      {{.key = "pipeline_bubble"}, of_training([](const TrainingRate& t) { return t.pipeline_bubble; })},
      {{.key = "tokens_per_s_per_gpu", .heading = "tokens/s per GPU", .interval = true},
       of_training([](const TrainingRate& t) { return interval(t.tokens_per_s_per_gpu); })},
      {{.key = "training_tokens"}, of_run([](const Run& r) { return r.tokens; })},
      {{.key = "gpus"}, of_run([](const Run& r) { return r.gpus; })},
      {{.key = "days", .heading = "training run", .unit = Unit::days, .interval = true},
       of_run([](const Run& r) { return r.days; })},
  };
}

std::vector<Column<Answer>> memory_columns() {
  using Row = Answer;
  const auto part = [](const char* key, const char* heading, double shape::MemoryBytes::*bytes) {
    return Column<Row>{{.key = key, .heading = heading, .unit = Unit::memory}, [bytes](const Row& r) {
                         const double held = r.explained.memory.*bytes;
                         return held > 0 ? Value(held) : Value();
                       }};
  };
  return {
      part("weights_bytes", "weights", &shape::MemoryBytes::weights),
      part("gradients_bytes", "gradients", &shape::MemoryBytes::gradients),
      part("optimizer_bytes", "optimizer", &shape::MemoryBytes::optimizer),
      part("activations_bytes", "activations", &shape::MemoryBytes::activations),
      part("kv_cache_bytes", "KV cache", &shape::MemoryBytes::kv_cache),
      {{.key = "total_bytes", .heading = "in all", .unit = Unit::memory},
       [](const Row& r) { return Value(r.explained.memory.total()); }},
      {{.key = "gpu_bytes", .heading = "GPU has", .unit = Unit::memory},
       [](const Row& r) { return Value(r.predictor.gpu().memory_bytes); }},
      {{.key = "fits", .heading = "fits"},
       [](const Row& r) { return Value(r.explained.memory.total() <= r.predictor.gpu().memory_bytes); },
       [](const Row& r) {
         return r.explained.memory.total() <= r.predictor.gpu().memory_bytes ? report::Tone::good : report::Tone::bad;
       }},
  };
}

/// The GPUs of a run must be whole data-parallel ranks. Their number is not taken as --dp: the reduction of gradients
/// that --dp prices is usually hidden behind the backward pass.
void require_whole_ranks(const shape::Workload& workload, const Options& options) {
  if (!options.gpus) return;
  const std::int64_t group = workload.tensor_parallel * workload.pipeline_parallel;
  if (*options.gpus % group != 0)
    throw Error(fmt::format("--gpus = {}: expected a multiple of --tp {} x --pp {} = {}", *options.gpus,
                            workload.tensor_parallel, workload.pipeline_parallel, group));
  if (options.workload.states_data_parallel() && workload.data_parallel * group != *options.gpus)
    throw Error(fmt::format("--gpus = {}: --tp {} x --pp {} x --dp {} are {}; leave out one of --gpus and --dp",
                            *options.gpus, workload.tensor_parallel, workload.pipeline_parallel, workload.data_parallel,
                            workload.data_parallel * group));
}

std::optional<Run> training_run(const Explanation& explained, const Options& options) {
  if (!options.tokens) return std::nullopt;
  const op::Interval& rate = explained.training->tokens_per_s_per_gpu;
  const double work = static_cast<double>(*options.tokens) / (86400.0 * static_cast<double>(*options.gpus));
  return Run{*options.tokens, *options.gpus, {work / rate.value, work / rate.high, work / rate.low}};
}

void require_consistent(const Options& options, const shape::Workload& workload) {
  if (!options.tokens && !options.gpus) return;
  if (workload.phase != shape::Phase::training)
    throw Error("--tokens and --gpus describe a training run: add --phase training");
  if (!options.gpus) throw Error("--tokens is given without --gpus: say on how many GPUs the run is, as in --gpus 64");
}

report::Document document(const Answer& answer, bool one_layer) {
  const Explanation& explained = answer.explained;
  report::Document document;
  document.csv = "operators";
  document.sections = {
      model_section(answer.model),
      workload_section(answer.workload),
      gpu_section(answer.predictor),
      operators_section(explained, one_layer),
      {"totals", "Totals, with 90 % intervals", report::Facts{make_table(total_columns(), answer)}},
      {"totals.layers", "Kinds of layers", report::List{make_table(layer_columns(answer.model), explained.layers)},
       explained.layers.size() > 1},
      {"totals.memory", "Memory of one GPU", report::Facts{make_table(memory_columns(), answer)}},
  };
  return document;
}

/// The device whose times are laid beside the predicted ones.
struct OtherSide {
  std::string gpu;  ///< the catalogue's name; empty: it has none
  report::Section section;
  std::function<Comparison(const Explanation&)> compare;
  std::function<measure::Execution(const measure::Whole&)> execute;
};

/// Whether what is shown can be executed as it is shown: a layer's training step runs the layer's update too, and
/// layers of several kinds are no piece.
bool is_one_piece(const Explanation& explained, const shape::Workload& workload, bool one_layer) {
  return !one_layer || (workload.phase != shape::Phase::training && explained.layers.size() == 1);
}

/// The prediction is of the device's own GPU unless --gpu says otherwise.
ExitCode run_beside(const Options& options, const shape::Model& model, const OtherSide& device,
                    const Console& console) {
  const predict::Predictor predictor = options.gpu.predictor(device.gpu);
  const shape::Workload workload = options.workload.workload(model, predictor.gpu());
  const Explanation explained = explain(model, workload, predictor, options.layer);
  report::Document document;
  document.csv = "operators";
  document.sections = {model_section(model), workload_section(workload), gpu_section(predictor), device.section};
  const Comparison comparison = device.compare(explained);
  for (report::Section& section : comparison_sections(comparison, options.layer))
    document.sections.push_back(std::move(section));
  if (is_one_piece(explained, workload, options.layer)) {
    const measure::Execution execution = device.execute(whole_of(model, workload, options.layer));
    for (report::Section& section : executed_sections(comparison, execution))
      document.sections.push_back(std::move(section));
  }
  options.output.write(document, console);
  return exit_ok;
}

/// Predicted beside measured or recorded.
ExitCode run_compare(const Options& options, const Console& console) {
  const shape::Model model = options.model.model();
  const predict::Predictor::Options& how = options.gpu.options();
  MeasuringOptions measuring = options.measuring;
  measuring.follow(how.clocks, how.launch == predict::Launch::graph ? measure::Replay::graph : measure::Replay::stream);
  const measure::Setting setting = measuring.setting();
  if (measuring.device().is_recorded()) {
    const measure::Recordings recordings = load_recordings(measuring);
    const auto compare = [&](const Explanation& explained) {
      return compare_with_recordings(explained, recordings, setting);
    };
    const auto execute = [&](const measure::Whole& whole) {
      return recorded_execution(measuring.device().gpu(), whole, setting);
    };
    return run_beside(options, model, {recordings.device().gpu, device_section(recordings, setting), compare, execute},
                      console);
  }
  MeasuringSession session(measuring);
  const auto compare = [&](const Explanation& explained) { return compare_on_device(explained, session, console); };
  const auto execute = [&](const measure::Whole& whole) { return executed(session, measuring, whole); };
  return run_beside(options, model,
                    {session.device().gpu, device_section(session.device(), &setting), compare, execute}, console);
}

ExitCode run_explain(const Options& options, const Console& console) {
  if (options.compare) return run_compare(options, console);
  const shape::Model model = options.model.model();
  const predict::Predictor predictor = options.gpu.predictor("", options.workload.phase());
  const shape::Workload workload = options.workload.workload(model, predictor.gpu());
  require_consistent(options, workload);
  require_whole_ranks(workload, options);
  Explanation explained = explain(model, workload, predictor, options.layer);
  const std::optional<Run> run = training_run(explained, options);
  options.output.write(document({model, workload, predictor, std::move(explained), run}, options.layer), console);
  return exit_ok;
}

void Options::add_run_to(CLI::App& app) {
  constexpr auto group = "Split and training";
  add_size(app, "--tokens", tokens, "tokens of a training run, as in 300e9: adds the days it takes")->group(group);
  add_size(app, "--gpus", gpus,
           "GPUs of that run; gradients are taken as reduced behind the backward pass unless --dp is stated")
      ->group(group);
}

/// After the options of the training run, which is only predicted.
void Options::add_compare_to(CLI::App& app) {
  constexpr auto group = "Beside a measurement";
  CLI::Option* asked = app.add_flag(
      "--compare", compare, "measure every operator on the device too, and the model in one piece, or look them up");
  asked->group(group)->excludes("--tokens")->excludes("--gpus");
  for (CLI::Option* option : measuring.add_common_to(app, group)) option->needs(asked);
}

}  // namespace

void add_explain(CLI::App& app, Command& chosen) {
  CLI::App& sub = *app.add_subcommand("explain", "the operators of a model: what each costs on a GPU, and why");
  auto options = std::make_shared<Options>();
  options->model.add_to(sub);
  sub.add_flag("--layer", options->layer, "show the operators of one layer of each kind instead of the whole model");
  options->workload.add_to(sub);
  options->add_run_to(sub);
  options->gpu.add_to(sub);
  options->add_compare_to(sub);
  options->output.add_to(sub);
  sub.footer(examples);
  set_command(sub, chosen, options, run_explain);
}

}  // namespace gemmetry::cli
