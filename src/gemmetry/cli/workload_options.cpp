#include "gemmetry/cli/workload_options.h"

#include <algorithm>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/gpu_options.h"
#include "gemmetry/shape/dtype.h"

namespace gemmetry::cli {
namespace {

using namespace shape;

constexpr std::int64_t usual_sequence = 2048;

/// Positions that the model states, so that a default never goes past them; otherwise more than any default.
std::int64_t stated_positions(const Model& model) {
  if (model.max_positions > 0) return model.max_positions;
  return model.positions == Positions::learned ? model.position_rows : 2 * usual_sequence;
}

}  // namespace

std::int64_t default_sequence(const Model& model) { return std::min(usual_sequence, stated_positions(model)); }
std::int64_t default_cache(const Model& model, std::int64_t new_tokens) {
  return std::max<std::int64_t>(std::min(usual_sequence, stated_positions(model) - new_tokens), 0);
}

void WorkloadOptions::add_to(CLI::App& app, bool several_degrees) {
  constexpr auto group = "Workload";
  add_choice(app, "--phase", workload_.phase, {Phase::forward, Phase::training, Phase::prefill, Phase::decode},
             "what is run: a forward pass, a training step, a prompt, or one new token a sequence")
      ->each([this](const std::string&) { states_phase_ = true; })
      ->group(group);
  add_size(app, "--batch", workload_.batch, "sequences b (microbatch of one data-parallel rank)")->group(group);
  add_size(app, "--seq", sequence_, "tokens a sequence s; 2048, or the model's positions if fewer")->group(group);
  add_size(app, "--cache", cache_, "decode: tokens already in the cache of each sequence; --seq unless stated", 0)
      ->group(group);
  add_size(app, "--pass-tokens", workload_.new_tokens,
           "decode: new tokens of a sequence in one pass; several: a window of drafts that is verified")
      ->group(group);
  add_choice(app, "--dtype", workload_.dtype, {Dtype::bf16, Dtype::fp16, Dtype::fp8, Dtype::tf32, Dtype::fp32},
             "type of operands; fp16 on a GPU that has no bf16")
      ->each([this](const std::string&) { states_dtype_ = true; })
      ->group(group);
  add_choice(app, "--attention", workload_.attention,
             {AttentionKind::fused, AttentionKind::unfused, AttentionKind::eager},
             "one kernel; products around a masked softmax; every step a kernel")
      ->group(group);
  add_choice(app, "--projections", workload_.projections, {Projections::fused, Projections::hf},
             "QKV and gate-up in one product each, or as Hugging Face runs the family")
      ->group(group);

  constexpr auto split = "Split and training";
  const auto read_degrees = [this, several_degrees](const std::string& what, const std::string& text) {
    tensor_parallel_.clear();
    for (const std::string& degree : comma_list(text)) tensor_parallel_.push_back(whole_number(what, degree));
    if (tensor_parallel_.size() > 1 && !several_degrees)
      throw Error("--tp = '" + text + "': expected one degree here; gemmetry check takes a list");
  };
  add_text(app, "--tp", several_degrees ? "N,N,..." : "N", "tensor-parallel degree t", read_degrees)
      ->default_str("1")
      ->group(split);
  add_size(app, "--pp", workload_.pipeline_parallel, "pipeline stages")->group(split);
  add_size(app, "--dp", workload_.data_parallel, "data-parallel ranks")
      ->each([this](const std::string&) { states_data_parallel_ = true; })
      ->group(split);
  app.add_flag("--sequence-parallel", workload_.sequence_parallel,
               "norms and residuals split over the tensor-parallel ranks")
      ->group(split);
  add_choice(app, "--sharding", workload_.sharding,
             {Sharding::none, Sharding::optimizer, Sharding::gradients, Sharding::parameters},
             "what data-parallel ranks share out (ZeRO 1, 2, 3)")
      ->group(split);
  add_choice(app, "--recompute", workload_.recompute, {Recompute::none, Recompute::selective, Recompute::full},
             "activations computed again in the backward pass")
      ->group(split);
  add_size(app, "--microbatches", workload_.microbatches, "microbatches a rank accumulates per optimizer update")
      ->group(split);
  app.add_flag("--dropout", workload_.dropout, "dropout in the residual additions of a training step")->group(split);
}

Workload WorkloadOptions::workload(const Model& model, const gpu::Gpu& gpu) const {
  Workload workload = workload_;
  if (!states_dtype_) workload.dtype = default_dtype(gpu);
  workload.tensor_parallel = tensor_parallel_.front();
  const bool decode = workload.phase == Phase::decode;
  workload.sequence = sequence_.value_or(default_sequence(model));
  if (decode) workload.cache = cache_.value_or(sequence_.value_or(default_cache(model, workload.new_tokens)));
  if (!decode && cache_) throw Error("--cache is for --phase decode only: leave it out, or say --phase decode");
  if (!decode && workload.new_tokens > 1)
    throw Error("--pass-tokens is for --phase decode only: leave it out, or say --phase decode");
  validate(workload, model);
  return workload;
}

}  // namespace gemmetry::cli
