#include "gemmetry/op/adapter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gemmetry/op/lower.h"
#include "gemmetry/shape/edit.h"
#include "gemmetry/shape/import.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::op {
namespace {

using shape::Phase;
using shape::Projections;

shape::Model adapted(const std::string& preset, const std::string& kind, std::int64_t rank) {
  shape::ModelEdit edit;
  edit.adapter = kind;
  edit.adapter_rank = rank;
  return shape::edited(shape::preset(preset), edit);
}

/// Batch 2 of 512 tokens: 1024 rows.
shape::Workload workload(Phase phase = Phase::forward) {
  shape::Workload workload;
  workload.phase = phase;
  workload.batch = 2;
  workload.sequence = 512;
  return workload;
}

Program lowered(const shape::Model& model, const shape::Workload& workload) {
  Program program;
  lower(model, workload, program);
  return program;
}

std::vector<Step> adapter_steps(const Program& program) {
  std::vector<Step> steps;
  for (const Step& step : program.steps())
    if (step.module == Module::adapter) steps.push_back(step);
  return steps;
}

/// The details of the adapter's steps, in order.
std::vector<std::string> details(const Program& program) {
  std::vector<std::string> all;
  for (const Step& step : adapter_steps(program)) all.emplace_back(step.detail);
  return all;
}

constexpr auto bf16 = Dtype::bf16;
constexpr auto bias = Epilogue::bias;

TEST(Adapter, OfHoulsbyStandsBeforeBothAdditions) {
  const Program program = lowered(adapted("gpt2-medium", "houlsby", 10), workload());
  EXPECT_EQ(details(program), (std::vector<std::string>{"attention down", "attention", "attention up", "attention add",
                                                        "mlp down", "mlp", "mlp up", "mlp add"}));
  const std::vector<Step> steps = adapter_steps(program);
  EXPECT_EQ(std::get<Gemm>(steps[0].op), (Gemm{1, 1024, 10, 1024, bf16, Layout::nt, bias}));
  EXPECT_EQ(std::get<Activation>(steps[1].op), (Activation{1024, 10, shape::Activation::gelu, false, false, bf16}));
  EXPECT_EQ(std::get<Gemm>(steps[2].op), (Gemm{1, 1024, 1024, 10, bf16, Layout::nt, bias}));
  EXPECT_EQ(std::get<Residual>(steps[3].op), (Residual{1024, 1024, false, false, bf16}));
  // What the adapter made is what is added to the residual stream.
  for (std::size_t i = 0; i + 1 < program.steps().size(); ++i)
    if (program.steps()[i].detail == "mlp add") {
      EXPECT_EQ(program.steps()[i + 1].module, Module::residual);
      EXPECT_EQ(program.steps()[i + 1].inputs[1], program.steps()[i].outputs[0]);
    }
}

TEST(Adapter, OfLinEndsTheLayerWithItsOwnNorm) {
  const Program program = lowered(adapted("gpt2-medium", "lin", 100), workload());
  EXPECT_EQ(details(program), (std::vector<std::string>{"norm", "down", "", "up", "add"}));
  const Segment& ffn = program.segments()[2];
  ASSERT_EQ(ffn.part, Part::ffn);
  const Step& last = program.steps()[ffn.last_step - 1];
  EXPECT_EQ(last.detail, "add");
  EXPECT_EQ(last.outputs[0], ffn.result);
  EXPECT_EQ(program.steps()[ffn.last_step - 6].module, Module::residual);
  EXPECT_EQ(last.inputs[0], program.steps()[ffn.last_step - 6].outputs[0]);
}

TEST(Adapter, LowRankAddsToQueriesAndValues) {
  shape::Workload w = workload();
  const Program fused = lowered(adapted("llama-3.1-8b", "lora", 8), w);
  EXPECT_EQ(details(fused),
            (std::vector<std::string>{"query down", "query up", "query add", "value down", "value up", "value add"}));
  const std::vector<Step> steps = adapter_steps(fused);
  EXPECT_EQ(std::get<Gemm>(steps[0].op), (Gemm{1, 1024, 8, 4096, bf16, Layout::nt}));
  EXPECT_EQ(std::get<Gemm>(steps[1].op), (Gemm{1, 1024, 4096, 8, bf16, Layout::nt}));
  EXPECT_EQ(std::get<Residual>(steps[2].op), (Residual{1024, 4096, false, false, bf16}));
  EXPECT_EQ(std::get<Gemm>(steps[4].op), (Gemm{1, 1024, 1024, 8, bf16, Layout::nt}));
  EXPECT_EQ(fused.tensors()[static_cast<std::size_t>(steps[5].outputs[0])].columns, 4096 + 2 * 1024);
  w.projections = Projections::hf;
  const Program separate = lowered(adapted("llama-3.1-8b", "lora", 8), w);
  EXPECT_EQ(details(separate), details(fused));
  EXPECT_EQ(separate.tensors()[static_cast<std::size_t>(adapter_steps(separate)[5].outputs[0])].columns, 1024);
}

TEST(Adapter, MergedIsTheModelsOwnProgram) {
  for (const Phase phase : {Phase::forward, Phase::prefill, Phase::decode}) {
    const Program own = lowered(shape::preset("gpt2-medium"), workload(phase));
    const Program merged = lowered(adapted("gpt2-medium", "lora-merged", 8), workload(phase));
    ASSERT_EQ(own.steps().size(), merged.steps().size());
    for (std::size_t i = 0; i < own.steps().size(); ++i) EXPECT_EQ(own.steps()[i].op, merged.steps()[i].op);
  }
}

TEST(Adapter, EveryTensorIsMadeBeforeItIsRead) {
  for (const Phase phase : {Phase::forward, Phase::training, Phase::prefill, Phase::decode})
    for (const char* preset : {"gpt2-medium", "llama-3.1-8b", "gpt-j-6b", "gemma-2-9b", "mixtral-8x7b", "opt-350m"})
      for (const char* kind : {"houlsby", "lin", "lora"}) {
        const Program program = lowered(adapted(preset, kind, 16), workload(phase));
        std::vector<bool> made(program.tensors().size());
        for (const Step& step : program.steps()) {
          for (const TensorId id : step.inputs)
            if (program.tensors()[static_cast<std::size_t>(id)].role == Role::activation)
              EXPECT_TRUE(made[static_cast<std::size_t>(id)]) << preset << " " << kind << " " << step.detail;
          for (const TensorId id : step.outputs) made[static_cast<std::size_t>(id)] = true;
        }
      }
}

TEST(Adapter, DecodesOneTokenASequence) {
  for (const char* kind : {"houlsby", "lin", "lora"})
    for (const Step& step : adapter_steps(lowered(adapted("gpt2-medium", kind, 10), workload(Phase::decode))))
      if (const Gemm* gemm = std::get_if<Gemm>(&step.op)) EXPECT_EQ(gemm->m, 2);
}

TEST(Adapter, BottlenecksAreOnEveryRankAndAddNoCollective) {
  shape::Workload w = workload();
  w.tensor_parallel = 4;
  const auto collectives = [](const Program& program) {
    int count = 0;
    for (const Step& step : program.steps()) count += std::holds_alternative<Collective>(step.op);
    return count;
  };
  const int own = collectives(lowered(shape::preset("gpt2-medium"), w));
  const Program houlsby = lowered(adapted("gpt2-medium", "houlsby", 16), w);
  EXPECT_EQ(collectives(houlsby), own);
  EXPECT_EQ(std::get<Gemm>(adapter_steps(houlsby)[0].op), (Gemm{1, 1024, 16, 1024, bf16, Layout::nt, bias}));
  const Program lora = lowered(adapted("gpt2-medium", "lora", 16), w);
  EXPECT_EQ(collectives(lora), own);
  EXPECT_EQ(std::get<Gemm>(adapter_steps(lora)[0].op), (Gemm{1, 1024, 16, 1024, bf16, Layout::nt}));
  EXPECT_EQ(std::get<Gemm>(adapter_steps(lora)[1].op), (Gemm{1, 1024, 256, 16, bf16, Layout::nt}));
  w.sequence_parallel = true;
  EXPECT_EQ(std::get<Gemm>(adapter_steps(lowered(adapted("gpt2-medium", "lin", 16), w))[1].op).m, 256);
  // Branches side by side are summed at once, unless an adapter stands behind each.
  w.sequence_parallel = false;
  EXPECT_EQ(collectives(lowered(adapted("gpt-j-6b", "houlsby", 16), w)),
            collectives(lowered(shape::preset("gpt-j-6b"), w)) + 1);
}

TEST(Adapter, TrainsItselfOnly) {
  for (const char* kind : {"houlsby", "lin", "lora"}) {
    const shape::Model model = adapted("gpt2-medium", kind, 16);
    const Program program = lowered(model, workload(Phase::training));
    int weight_gradients = 0, data_gradients = 0;
    for (const Step& step : program.steps()) {
      if (step.pass == Pass::weight_gradient) {
        EXPECT_EQ(step.module, Module::adapter) << kind;
        ++weight_gradients;
      }
      data_gradients += step.pass == Pass::data_gradient && step.module == Module::mlp_h_to_4h;
      EXPECT_FALSE(step.pass == Pass::backward && step.module == Module::input_embedding);
    }
    EXPECT_EQ(weight_gradients, std::string(kind) == "lin" ? 2 : 4) << kind;
    EXPECT_EQ(data_gradients, 1) << kind;
    EXPECT_EQ(std::get<Optimizer>(program.steps().back().op).parameters, shape::count_parameters(model).adapter);
  }
}

}  // namespace
}  // namespace gemmetry::op
