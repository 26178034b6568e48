#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <memory>
#include <numeric>

#include "gemmetry/base/error.h"
#include "gemmetry/base/version.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/device_section.h"
#include "gemmetry/cli/executed_whole.h"
#include "gemmetry/cli/model_options.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/run_options.h"
#include "gemmetry/cli/setting.h"
#include "gemmetry/measure/execution_store.h"
#include "gemmetry/measure/statistics.h"
#include "gemmetry/run/copy_bandwidth.h"
#include "gemmetry/run/decode_bytes.h"
#include "gemmetry/run/decoder.h"

namespace gemmetry::cli {
namespace {

using report::Column;
using report::Unit;
using report::Value;

constexpr auto examples =
    R"(Requests are answered over a cache of keys and values: a prefill of the prompts, then steps of one token for all of
them. Steps are timed one after the other as the cache grows; "as answered" is the host's clock around prefill, steps
and the reading of every token.

Examples:
  gemmetry measure decode llama-3.1-8b --prompt 512 --new-tokens 128
  gemmetry measure decode pythia-410m --prompt 128 --new-tokens 256 --batch 8 --launch stream
  gemmetry measure decode --weights my/checkpoint --tokens prompt.txt --prompt 7 --answers answers.txt)";

struct Options {
  ModelOptions model;
  RunOptions run;
  OutputOptions output;
  std::int64_t prompt = 512, new_tokens = 128, batch = 1;
  shape::Dtype dtype = shape::Dtype::bf16;
  float temperature = 0;
  std::string tokens, answers, database;

  std::int64_t capacity() const { return prompt + new_tokens; }
};

/// What was measured, and what it is compared with.
struct Decoding {
  const Options& options;
  std::vector<double> prefill_s;
  std::vector<double> step_s;
  std::vector<double> rounds_s;  ///< of all tokens but the first, each time they were answered
  double answer_s = 0;
  run::DecodeBytes bytes;  ///< of a step in the middle
  double copy_bytes_per_s = 0;
  std::int64_t cache_bytes = 0;

  double step() const { return measure::median(step_s); }
  double prefill() const { return measure::median(prefill_s); }
  double bytes_per_s() const { return (bytes.weights + bytes.cache) / step(); }
};

std::vector<Column<Decoding>> request_columns() {
  using Row = Decoding;
  return {
      {{.key = "batch", .heading = "requests"}, [](const Row& d) { return Value(d.options.batch); }},
      {{.key = "prompt", .heading = "prompt"}, [](const Row& d) { return Value(d.options.prompt); }},
      {{.key = "new_tokens", .heading = "new tokens"}, [](const Row& d) { return Value(d.options.new_tokens); }},
      {{.key = "dtype", .heading = "dtype"}, [](const Row& d) { return Value(std::string(name(d.options.dtype))); }},
      {{.key = "launch", .heading = "launch"},
       [](const Row& d) { return Value(std::string(name(d.options.run.replay()))); }},
  };
}

std::vector<Column<Decoding>> columns() {
  using Row = Decoding;
  const auto batch = [](const Row& d) { return static_cast<double>(d.options.batch); };
  const auto seconds = [](const char* key, const char* heading, auto get) {
    return Column<Row>{{.key = key, .heading = heading, .unit = Unit::seconds},
                       [get](const Row& d) { return Value(get(d)); }};
  };
  return {
      seconds("prefill_time_s", "prefill", [](const Row& d) { return d.prefill(); }),
      {{.key = "prefill_tokens_per_s", .heading = "prefill tokens/s", .unit = Unit::count},
       [=](const Row& d) { return Value(batch(d) * static_cast<double>(d.options.prompt) / d.prefill()); }},
      seconds("token_time_s", "per step", [](const Row& d) { return d.step(); }),
      seconds("token_p10_s", "10 % are below", [](const Row& d) { return measure::quantile(d.step_s, 0.1); }),
      seconds("token_p90_s", "90 % are below", [](const Row& d) { return measure::quantile(d.step_s, 0.9); }),
      {{.key = "tokens_per_s", .heading = "tokens/s", .unit = Unit::count},
       [=](const Row& d) { return Value(batch(d) / d.step()); }},
      seconds("answer_time_s", "as answered", [](const Row& d) { return d.answer_s; }),
      {{.key = "answer_tokens_per_s", .heading = "tokens/s as answered", .unit = Unit::count},
       [=](const Row& d) { return Value(batch(d) * static_cast<double>(d.options.new_tokens) / d.answer_s); }},
      {{.key = "weights_bytes", .heading = "weights read", .unit = Unit::bytes},
       [](const Row& d) { return Value(d.bytes.weights); }},
      {{.key = "cache_read_bytes", .heading = "cache read", .unit = Unit::bytes},
       [](const Row& d) { return Value(d.bytes.cache); }},
      {{.key = "bytes_per_s", .heading = "bandwidth", .unit = Unit::bytes_per_s},
       [](const Row& d) { return Value(d.bytes_per_s()); }},
      {{.key = "copy_bytes_per_s", .heading = "of a copy", .unit = Unit::bytes_per_s},
       [](const Row& d) { return Value(d.copy_bytes_per_s); }},
      {{.key = "copy_share", .heading = "share of a copy's", .unit = Unit::fraction},
       [](const Row& d) { return Value(d.bytes_per_s() / d.copy_bytes_per_s); }},
      {{.key = "cache_bytes", .heading = "cache", .unit = Unit::memory},
       [](const Row& d) { return Value(static_cast<double>(d.cache_bytes)); }},
  };
}

std::vector<run::Tokens> prompts_of(const Options& options, const shape::Model& model) {
  const std::int64_t count = options.batch * options.prompt;
  const std::vector<std::int32_t> tokens =
      options.tokens.empty() ? random_tokens(options.run.seed(), count, model.vocab) : read_tokens(options.tokens);
  if (std::ssize(tokens) != count)
    throw Error(fmt::format("{}: {} tokens; --batch {} x --prompt {} are {}", options.tokens, tokens.size(),
                            options.batch, options.prompt, count));
  std::vector<run::Tokens> prompts;
  for (std::int64_t i = 0; i < options.batch; ++i)
    prompts.emplace_back(tokens.begin() + i * options.prompt, tokens.begin() + (i + 1) * options.prompt);
  return prompts;
}

/// A line for each request.
void write_answers(const std::string& path, const std::vector<run::Tokens>& answers) {
  std::string text;
  for (const run::Tokens& answer : answers) text += fmt::format("{}\n", fmt::join(answer, " "));
  write_file(path, text);
}

void measure_decoding(Decoding& decoding, run::Decoder& decoder, const std::vector<run::Tokens>& prompts) {
  const Options& options = decoding.options;
  decoder.generate(prompts, options.new_tokens);  // plans and records
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<run::Tokens> answers = decoder.generate(prompts, options.new_tokens);
  decoding.answer_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (!options.answers.empty()) write_answers(options.answers, answers);

  const double cap_s = options.run.time_cap_s();
  decoding.prefill_s = sampled(cap_s, [&](std::int32_t repeats) { return decoder.time_prefill(repeats); });
  double total_s = 0;
  for (int round = 0; round < 2 || (total_s < cap_s && round < 20); ++round) {
    decoder.rewind(options.batch, options.prompt);
    const std::vector<double> times = decoder.time_steps(options.batch, static_cast<std::int32_t>(options.new_tokens));
    for (const double time : times) total_s += time;
    if (round == 0) continue;
    decoding.step_s.insert(decoding.step_s.end(), times.begin(), times.end());
    decoding.rounds_s.push_back(std::accumulate(times.begin(), times.end() - 1, 0.0));
  }
}

/// The answer as a record: the prompt and the tokens behind it, the last of which needs no step.
measure::Execution execution_of(const Decoding& decoding, const shape::Model& model) {
  const Options& options = decoding.options;
  measure::Whole whole = whole_of(model, {}, false);
  whole.kind = measure::WholeKind::answer;
  whole.workload.phase = shape::Phase::prefill;
  whole.workload.batch = options.batch;
  whole.workload.sequence = options.prompt;
  whole.workload.dtype = options.dtype;
  whole.new_tokens = options.new_tokens;
  const measure::Policy policy = options.run.table().empty() ? measure::Policy::first : measure::Policy::tuned;
  measure::Execution execution = blank_execution(whole, {gpu::Clocks::burst, policy, options.run.replay()});
  measure::Measurement measured;
  for (const double round_s : decoding.rounds_s) measured.samples_s.push_back(decoding.prefill() + round_s);
  measured.median_s = measure::median(measured.samples_s);
  measured.p10_s = measure::quantile(measured.samples_s, 0.1);
  measured.p90_s = measure::quantile(measured.samples_s, 0.9);
  set_measured(execution, std::move(measured));
  execution.prompt_s = decoding.prefill();
  execution.tool = version;
  execution.time = measure::utc_now();
  return execution;
}

ExitCode run_measure_decode(const Options& options, const Console& console) {
  const shape::Model model = options.run.model(options.model);
  const std::vector<run::Tokens> prompts = prompts_of(options, model);
  RunSession session(options.run);
  Decoding decoding{options};
  decoding.copy_bytes_per_s = run::copy_bandwidth(session.backend(), std::int64_t{1} << 30);
  const run::Weights weights = session.weights(model, options.dtype);
  run::DecoderOptions how;
  how.slots = options.batch;
  how.capacity = options.capacity();
  how.replay = options.run.replay();
  how.sampling = {options.temperature, options.run.seed()};
  how.tuned = session.tuned();
  run::Decoder decoder(session.backend(), model, weights, how);
  measure_decoding(decoding, decoder, prompts);
  const double middle = static_cast<double>(options.prompt) + static_cast<double>(options.new_tokens) / 2;
  decoding.bytes = run::decode_bytes(model, options.dtype, options.batch, middle);
  decoding.cache_bytes = decoder.cache().bytes();
  if (!options.database.empty()) {
    measure::Execution execution = execution_of(decoding, model);
    execution.device = session.device();
    measure::ExecutionStore(options.database).put(execution);
  }

  report::Document document;
  document.csv = "decode";
  document.sections = {model_section(model),
                       {"requests", "", report::Facts{make_table(request_columns(), decoding)}},
                       device_section(session.device(), nullptr),
                       {"decode", "Decoding", report::Facts{make_table(columns(), decoding)}}};
  options.output.write(document, console);
  return exit_ok;
}

}  // namespace

void add_measure_decode(CLI::App& measure, Command& chosen) {
  constexpr auto group = "Requests";
  CLI::App& sub = *measure.add_subcommand("decode", "requests answered token by token over a cache, executed");
  auto options = std::make_shared<Options>();
  options->model.add_to(sub);
  add_size(sub, "--batch", options->batch, "requests at the same time")->group(group);
  add_size(sub, "--prompt", options->prompt, "tokens of each prompt")->group(group);
  add_size(sub, "--new-tokens", options->new_tokens, "tokens that each is answered with")->group(group);
  add_choice(sub, "--dtype", options->dtype,
             {shape::Dtype::bf16, shape::Dtype::fp16, shape::Dtype::tf32, shape::Dtype::fp32}, "of weights and cache")
      ->group(group);
  const auto temperature = [target = &options->temperature](const std::string& what, const std::string& text) {
    const double value = number(what, text);
    if (!(value >= 0 && value <= 100)) refuse_text(what, text, "a number from 0 to 100");
    *target = static_cast<float>(value);
  };
  add_text(sub, "--temperature", "T", "0: the likeliest token; above: drawn, the same for the same --seed", temperature)
      ->default_str("0")
      ->group(group);
  sub.add_option("--tokens", options->tokens, "the prompts, batch x prompt whole numbers; else random ones")
      ->type_name("FILE")
      ->group(group);
  sub.add_option("--answers", options->answers, "write the new tokens there, a line for each request")
      ->type_name("FILE")
      ->group(group);
  options->run.add_to(sub);
  sub.add_option("--db", options->database, "store the answer there: gemmetry records executions lists it")
      ->type_name("FILE")
      ->group("Running");
  options->output.add_to(sub);
  sub.footer(examples);
  set_command(sub, chosen, options, run_measure_decode);
}

}  // namespace gemmetry::cli
