#include "gemmetry/op/lower.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "gemmetry/shape/edit.h"
#include "gemmetry/shape/import.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::op {
namespace {

using shape::AttentionKind;
using shape::Phase;

shape::Model paper_model(std::int64_t hidden = 2560, std::int64_t heads = 32, std::int64_t layers = 32) {
  shape::ModelEdit edit;
  edit.hidden = hidden;
  edit.heads = heads;
  edit.layers = layers;
  edit.vocab = 50304;
  edit.positions_max = 4096;
  return shape::model_from_flags(edit);
}

Program lowered(const shape::Model& model, const shape::Workload& workload) {
  Program program;
  lower(model, workload, program);
  return program;
}

double total_flop(const Program& program, Pass pass, bool layers_only = false) {
  double sum = 0;
  for (const Segment& segment : program.segments())
    for (std::size_t i = segment.first_step; i < segment.last_step; ++i) {
      if (program.steps()[i].pass != pass) continue;
      if (layers_only && segment.part != Part::attention && segment.part != Part::ffn) continue;
      sum += static_cast<double>(segment.repeat) * flop(program.steps()[i].op);
    }
  return sum;
}

TEST(Lower, GivesThePapersFlop) {
  // Section III-C: 24 b s h^2 (1 + s / 6h) for a layer, the logits apart.
  const shape::Model model = paper_model();
  shape::Workload workload;
  workload.attention = AttentionKind::unfused;
  const double b = 4, s = 2048, h = 2560;
  EXPECT_DOUBLE_EQ(total_flop(lowered(model, workload), Pass::forward, true),
                   32 * 24 * b * s * h * h * (1 + s / (6 * h)));
}

TEST(Lower, NamesTableTwoModules) {
  shape::Workload workload;
  workload.attention = AttentionKind::unfused;
  std::map<std::string, Gemm> products;
  const Program program = lowered(paper_model(), workload);
  for (const Step& step : program.steps())
    if (const Gemm* gemm = std::get_if<Gemm>(&step.op)) products[std::string(name(step.module))] = *gemm;
  const auto bias = Epilogue::bias;
  const auto bf16 = Dtype::bf16;
  EXPECT_EQ(products.size(), 7u);
  EXPECT_EQ(products["QKV Transform"], (Gemm{1, 8192, 7680, 2560, bf16, Layout::nt, bias}));
  EXPECT_EQ(products["Attention Score"], (Gemm{128, 2048, 2048, 80, bf16, Layout::nt}));
  EXPECT_EQ(products["Attn over Value"], (Gemm{128, 2048, 80, 2048, bf16, Layout::nn}));
  EXPECT_EQ(products["Linear Projection"], (Gemm{1, 8192, 2560, 2560, bf16, Layout::nt, bias}));
  EXPECT_EQ(products["MLP h to 4h"], (Gemm{1, 8192, 10240, 2560, bf16, Layout::nt, bias}));
  EXPECT_EQ(products["MLP 4h to h"], (Gemm{1, 8192, 2560, 10240, bf16, Layout::nt, bias}));
  EXPECT_EQ(products["Linear Output"], (Gemm{1, 8192, 50304, 2560, bf16}));
}

TEST(Lower, TrainingStepHasTwoGradientProductsAProduct) {
  const shape::Model model = paper_model();
  shape::Workload workload;
  workload.attention = AttentionKind::unfused;
  workload.phase = Phase::training;
  const Program program = lowered(model, workload);
  const double forward = total_flop(program, Pass::forward);
  EXPECT_DOUBLE_EQ(total_flop(program, Pass::data_gradient) + total_flop(program, Pass::weight_gradient), 2 * forward);
  workload.recompute = shape::Recompute::full;
  const double layers = total_flop(program, Pass::forward, true);
  EXPECT_DOUBLE_EQ(total_flop(lowered(model, workload), Pass::recompute), layers);
  workload.recompute = shape::Recompute::selective;
  const double b = 4, s = 2048, h = 2560;
  EXPECT_DOUBLE_EQ(total_flop(lowered(model, workload), Pass::recompute), 32 * 4 * b * s * s * h);
}

TEST(Lower, GradientProductsHaveTheRightLayouts) {
  const shape::Model model = paper_model();
  shape::Workload workload;
  workload.phase = Phase::training;
  int data = 0, weight = 0;
  const Program program = lowered(model, workload);
  for (const Step& step : program.steps()) {
    const Gemm* gemm = std::get_if<Gemm>(&step.op);
    if (gemm == nullptr || step.module != Module::mlp_h_to_4h) continue;
    if (step.pass == Pass::data_gradient) {
      EXPECT_EQ(*gemm, (Gemm{1, 8192, 2560, 10240, Dtype::bf16, Layout::nn}));
      ++data;
    }
    if (step.pass == Pass::weight_gradient) {
      EXPECT_EQ(*gemm, (Gemm{1, 10240, 2560, 8192, Dtype::bf16, Layout::tn, Epilogue::bias_gradient}));
      ++weight;
    }
  }
  EXPECT_EQ(data, 1);
  EXPECT_EQ(weight, 1);
}

TEST(Lower, AddsGradientsWhereATensorIsUsedTwice) {
  shape::Workload workload;
  workload.phase = Phase::training;
  int sums = 0;
  const Program program = lowered(paper_model(), workload);
  for (const Step& step : program.steps()) sums += step.detail == "gradient sum";
  EXPECT_EQ(sums, 2) << "the residual stream feeds a norm and an addition in each half of a layer";
}

TEST(Lower, UpdatesEveryParameterOnce) {
  const shape::Model model = paper_model();
  shape::Workload workload;
  workload.phase = Phase::training;
  const Program program = lowered(model, workload);
  const Step& last = program.steps().back();
  EXPECT_EQ(std::get<Optimizer>(last.op).parameters, shape::count_parameters(model).total);
  EXPECT_EQ(last.pass, Pass::update);
}

TEST(Lower, TensorParallelSplitsProductsAndSumsTwiceALayer) {
  shape::Workload workload;
  workload.tensor_parallel = 8;
  const Program forward = lowered(paper_model(), workload);
  int sums = 0;
  for (const Segment& segment : forward.segments())
    for (std::size_t i = segment.first_step; i < segment.last_step; ++i)
      if (std::holds_alternative<Collective>(forward.steps()[i].op) && segment.part != Part::embedding) ++sums;
  EXPECT_EQ(sums, 2);
  EXPECT_DOUBLE_EQ(total_flop(forward, Pass::forward) * 8,
                   [&] { return total_flop(lowered(paper_model(), shape::Workload{}), Pass::forward); }());

  workload.phase = Phase::training;
  int layer_collectives = 0;
  const Program training = lowered(paper_model(), workload);
  for (const Segment& segment : training.segments())
    for (std::size_t i = segment.first_step; i < segment.last_step; ++i)
      if ((segment.part == Part::attention || segment.part == Part::ffn) &&
          std::holds_alternative<Collective>(training.steps()[i].op))
        ++layer_collectives;
  EXPECT_EQ(layer_collectives, 4) << "f and g of each half (Megatron)";
}

TEST(Lower, DecodeRunsOneTokenASequenceOverTheCache) {
  shape::Workload workload;
  workload.phase = Phase::decode;
  workload.batch = 16;
  workload.cache = 1023;
  const Program program = lowered(shape::preset("llama-3.1-8b"), workload);
  bool attended = false;
  for (const Step& step : program.steps()) {
    if (const Gemm* gemm = std::get_if<Gemm>(&step.op)) EXPECT_EQ(gemm->m, 16);
    if (const Attention* attention = std::get_if<Attention>(&step.op)) {
      attended = true;
      EXPECT_EQ(attention->queries, 1);
      EXPECT_EQ(attention->keys, 1024);
      EXPECT_EQ(attention->kv_heads, 8);
    }
  }
  EXPECT_TRUE(attended);
}

TEST(Lower, AWindowRunsItsTokensAsRowsAndDrawsBehindEach) {
  shape::Workload workload;
  workload.phase = Phase::decode;
  workload.batch = 4;
  workload.cache = 1000;
  workload.new_tokens = 24;
  const shape::Model model = shape::preset("llama-3.1-8b");
  const Program program = lowered(model, workload);
  int attentions = 0;
  for (const Step& step : program.steps()) {
    if (const Gemm* gemm = std::get_if<Gemm>(&step.op)) EXPECT_EQ(gemm->m, 4 * 24) << step.detail;
    if (const Pointwise* pointwise = std::get_if<Pointwise>(&step.op)) {
      EXPECT_EQ(pointwise->function, Function::append) << "no last tokens are picked";
      EXPECT_EQ(pointwise->elements, 4 * 24 * 8 * (128 + 128));
    }
    const Attention* attention = std::get_if<Attention>(&step.op);
    if (attention == nullptr) continue;
    ++attentions;
    EXPECT_EQ(attention->queries, 24);
    EXPECT_EQ(attention->keys, 1024);
  }
  EXPECT_EQ(attentions, 1);
  workload.new_tokens = 1;
  workload.cache = 1023;
  workload.batch = 96;
  const double gemms = total_flop(program, Pass::forward) / total_flop(lowered(model, workload), Pass::forward);
  EXPECT_NEAR(gemms, 1, 0.01) << "the same rows over nearly the same keys";
}

TEST(Lower, EagerAttentionWritesItsScoresOften) {
  shape::Workload workload;
  const auto moved = [&](AttentionKind kind) {
    workload.attention = kind;
    double sum = 0;
    const Program program = lowered(paper_model(), workload);
    for (std::size_t i = 0; i < program.steps().size(); ++i)
      sum += static_cast<double>(program.count(i)) * bytes(program.steps()[i].op);
    return sum;
  };
  EXPECT_GT(moved(AttentionKind::unfused), moved(AttentionKind::fused));
  EXPECT_GT(moved(AttentionKind::eager), 2 * moved(AttentionKind::unfused));
}

TEST(Lower, PartsAddUpToTheWhole) {
  shape::Workload workload;
  workload.phase = Phase::training;
  for (const char* preset : {"gpt3-2.7b", "llama-2-70b", "gemma-3-4b", "mixtral-8x7b", "deepseek-v3", "pythia-1b"}) {
    const shape::Model model = shape::preset(preset);
    const Program whole = lowered(model, workload);
    double sum = 0, expected = 0;
    for (std::size_t i = 0; i < whole.steps().size(); ++i)
      expected += static_cast<double>(whole.count(i)) * bytes(whole.steps()[i].op);
    for (const auto& [part, kind, repeat] : parts(model, workload)) {
      Program one;
      lower_part(part, kind, model, workload, one);
      for (const Step& step : one.steps()) sum += static_cast<double>(repeat) * bytes(step.op);
    }
    EXPECT_DOUBLE_EQ(sum, expected) << preset;
  }
}

TEST(Lower, EveryTensorIsMadeBeforeItIsRead) {
  shape::Workload workload;
  for (const Phase phase : {Phase::forward, Phase::training, Phase::prefill, Phase::decode})
    for (const char* preset : {"gpt3-2.7b", "llama-3.1-8b", "gpt-j-6b", "deepseek-v3", "bert-base"}) {
      const shape::Model model = shape::preset(preset);
      if (!model.attention.causal && (phase == Phase::decode || phase == Phase::prefill)) continue;
      workload.phase = phase;
      workload.sequence = 512;
      const Program program = lowered(model, workload);
      std::vector<bool> made(program.tensors().size());
      for (const Step& step : program.steps()) {
        for (const TensorId id : step.inputs) {
          ASSERT_GE(id, 0);
          const Role role = program.tensors()[static_cast<std::size_t>(id)].role;
          if (role == Role::activation)
            EXPECT_TRUE(made[static_cast<std::size_t>(id)]) << preset << " " << name(step.module);
        }
        for (const TensorId id : step.outputs) made[static_cast<std::size_t>(id)] = true;
      }
    }
}

}  // namespace
}  // namespace gemmetry::op
