#include "gemmetry/cli/run_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "gemmetry/base/error.h"
#include "gemmetry/base/json.h"
#include "gemmetry/base/version.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/gpu/catalogue.h"
#include "gemmetry/measure/random_data.h"
#include "gemmetry/measure/record.h"
#include "gemmetry/measure/subject.h"
#include "gemmetry/run/safetensors.h"
#include "gemmetry/shape/import.h"

namespace gemmetry::cli {
namespace {

measure::DeviceInfo described(measure::Backend& backend) {
  measure::DeviceInfo device;
  measure::require(backend.describe(device));
  return device;
}

}  // namespace

void RunOptions::add_to(CLI::App& app) {
  constexpr auto group = "Running";
  device_.add_to(app)->group(group);
  app.add_option("--weights", weights_, "a .safetensors file or its folder, in Hugging Face names; else random ones")
      ->type_name("PATH")
      ->group(group);
  add_size(app, "--seed", seed_, "of random weights and tokens", 0)->group(group);
  app.add_option("--table", table_, "a tuning table (gemmetry tune): products take its algorithms")
      ->type_name("FILE")
      ->group(group);
  add_choice(app, "--launch", replay_, {measure::Replay::graph, measure::Replay::stream},
             "kernels replayed from a graph, or launched one by one by the host")
      ->group(group);
  add_text(app, "--time-cap", "TIME", "stop measuring after this long",
           [this](const std::string& what, const std::string& text) { time_cap_s_ = seconds(what, text); })
      ->default_str("1s")
      ->group(group);
}

void RunOptions::add_clocks_to(CLI::App& app) {
  add_choice(app, "--clocks", clocks_, {gpu::Clocks::burst, gpu::Clocks::sustained},
             "short runs after idle, or full load until the clock is flat")
      ->group("Running");
}

measure::Sampling RunOptions::sampling() const {
  measure::Sampling sampling;
  sampling.clocks = clocks_;
  sampling.time_cap_s = time_cap_s_;
  return sampling;
}

shape::Model RunOptions::model(const ModelOptions& options) const {
  if (options.named() || weights_.empty()) return options.model();
  return shape::edited(shape::load_model(weights_), options.edit());
}

RunSession::RunSession(const RunOptions& options)
    : options_(options), backend_(options.device().open()), device_(described(*backend_)), monitor_(device_.uuid) {
  if (device_.gpu[0] != '\0') gpu_ = gpu::load_gpu(device_.gpu);
  if (!options.table().empty()) table_ = measure::TuningTable::load(options.table());
}

run::Weights RunSession::weights(const shape::Model& model, shape::Dtype dtype) {
  if (options_.weights().empty()) return run::Weights::random(*backend_, model, dtype, options_.seed());
  return run::Weights::load(*backend_, model, dtype, run::Safetensors(options_.weights()));
}

std::function<std::string(const op::Operator&)> RunSession::tuned() const {
  if (options_.table().empty()) return nullptr;
  return [this](const op::Operator& op) {
    const measure::TunedAlgorithm* found =
        table_.find(op, device_.name, measure::library_version(op, device_, version));
    return found ? std::string(found->best.key) : std::string();
  };
}

std::vector<double> sampled(double time_cap_s, const std::function<std::vector<double>(std::int32_t)>& time) {
  constexpr std::int32_t warm_up = 2, least = 5, most = 100;
  const std::vector<double> first = time(warm_up);
  const double each = std::max(*std::min_element(first.begin(), first.end()), 1e-9);
  return time(std::clamp(static_cast<std::int32_t>(std::min(time_cap_s / each, 1e6)), least, most));
}

std::vector<std::int32_t> read_tokens(const std::string& path) {
  std::istringstream words(read_text_file(path));
  std::vector<std::int32_t> tokens;
  for (std::string word; words >> word;) {
    std::int32_t token = 0;
    const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), token);
    if (problem != std::errc() || end != word.data() + word.size())
      throw Error(fmt::format("{}: '{}': expected whole numbers, separated by blanks", path, word.substr(0, 40)));
    tokens.push_back(token);
  }
  return tokens;
}

std::vector<std::int32_t> random_tokens(std::uint64_t seed, std::int64_t count, std::int64_t vocab) {
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = measure::random_index(seed, i, vocab);
  return tokens;
}

}  // namespace gemmetry::cli
