#include "gemmetry/cli/gpu_options.h"

#include <fmt/format.h>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/gpu/catalogue.h"

namespace gemmetry::cli {

void GpuOptions::add_to(CLI::App& app) {
  constexpr auto group = "GPU";
  add_text(app, "--gpu", "GPU", "a name (gemmetry gpus) or the path of a JSON file",
           [this](const std::string&, const std::string& text) {
             gpu_ = text;
             states_gpu_ = true;
           })
      ->default_str(gpu_)
      ->group(group);
  app.add_option("--node", node_, "machine it stands in: a name (gemmetry nodes) or the path of a JSON file")
      ->type_name("NODE")
      ->group(group);
  calibration_.add_to(app)->group(group);
  add_choice(app, "--clocks", options_.clocks, {gpu::Clocks::sustained, gpu::Clocks::burst},
             "ceiling: full load until the clock is flat, or a short run after idle")
      ->group(group);
  const auto read_launch = [this](const std::string& what, const std::string& text) {
    for (const predict::Launch launch : {predict::Launch::graph, predict::Launch::stream, predict::Launch::chain})
      if (name_of(launch) == text) {
        options_.launch = launch;
        states_launch_ = true;
        return;
      }
    refuse_word(what, text, {"graph", "stream", "chain"});
  };
  add_text(app, "--launch", "graph|stream|chain",
           "kernels replayed from a graph, launched one by one by the host, or chained as gemmetry decodes",
           read_launch)
      ->default_str("graph; chain where the phase is decode")
      ->group(group);
}

predict::Predictor GpuOptions::predictor(const std::string& usual, shape::Phase phase) const {
  const gpu::Gpu gpu = gpu::load_gpu(states_gpu_ || usual.empty() ? gpu_ : usual);
  const gpu::Node node = node_.empty() ? gpu::usual_node(gpu) : gpu::load_node(node_);
  if (!node_.empty() && gpu::load_gpu(node.gpu).name != gpu.name)
    throw Error(fmt::format("--node {} holds {} GPUs, not {}: add --gpu {}", node_, node.gpu, gpu.name, node.gpu));
  predict::Predictor::Options options = options_;
  if (!states_launch_ && phase == shape::Phase::decode) options.launch = predict::Launch::chain;
  return {gpu, node, calibration_.calibration(gpu), options};
}

shape::Dtype default_dtype(const gpu::Gpu& gpu) {
  return gpu.tensor_flops.contains(shape::Dtype::bf16) ? shape::Dtype::bf16 : shape::Dtype::fp16;
}

std::string_view name_of(predict::Launch launch) {
  switch (launch) {
    case predict::Launch::graph:
      return "graph";
    case predict::Launch::stream:
      return "stream";
    case predict::Launch::chain:
      return "chain";
  }
  return "";
}

}  // namespace gemmetry::cli
