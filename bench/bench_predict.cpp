#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "gemmetry/gpu/catalogue.h"
#include "gemmetry/op/operator.h"
#include "gemmetry/predict/features.h"
#include "gemmetry/predict/predictor.h"

// Time of one estimate, by class of operator and GPU. Goal: under 2 us each, under 1 us for a product; under 4 us with
// a learned residual.

namespace gemmetry {
namespace {

/// A tree of that many leaves, at most seven levels deep, over features that lie between -20 and 40.
void grow(gpu::Tree& tree, int leaves, int levels, int features, std::mt19937& random) {
  const int left = levels == 0 ? 0 : std::min(leaves - 1, 1 + static_cast<int>(random() % 30) * leaves / 30);
  if (leaves < 2 || left < 1) {
    tree.split.push_back(-1);
    tree.number.push_back(0.0001F * static_cast<float>(random() % 100));
    return;
  }
  tree.split.push_back(static_cast<int>(random() % static_cast<unsigned>(features)));
  tree.number.push_back(static_cast<float>(random() % 60) - 20);
  grow(tree, left, levels - 1, features, random);
  grow(tree, leaves - left, levels - 1, features, random);
}

std::vector<gpu::Tree> forest(std::size_t trees, int leaves, int features) {
  std::mt19937 random(1);
  std::vector<gpu::Tree> all(trees);
  for (gpu::Tree& tree : all) grow(tree, leaves, 7, features, random);
  return all;
}

/// H200 with a residual of products of the size that tools/train_residual.py learns, or with none.
predict::Predictor h200_with(bool residual) {
  const gpu::Gpu gpu = gpu::load_gpu("h200");
  gpu::Calibration calibration = gpu::calibration_for(gpu);
  calibration.residuals.clear();
  if (residual) {
    gpu::Residual& gemm = calibration.residuals["gemm"];
    for (const std::string_view name : predict::feature_names("gemm")) gemm.features.emplace_back(name);
    const int features = static_cast<int>(gemm.features.size());
    gemm.dtypes = {shape::Dtype::bf16};
    gemm.ranges = {{"log2_m", {0, 15}}, {"log2_n", {0, 17}}, {"log2_k", {0, 17}}};
    gemm.trees = forest(200, 31, features);
    gemm.spread = forest(40, 6, features);
    gemm.errors = {{"product", {0.02, 0.03}}};
  }
  return predict::Predictor(gpu, gpu::usual_node(gpu), calibration, {gpu::Clocks::burst, predict::Launch::graph});
}

const predict::Predictor& predictor(const std::string& gpu) {
  static const predict::Predictor h200 = predict::Predictor::for_gpu("h200", {});
  static const predict::Predictor a100 = predict::Predictor::for_gpu("a100", {});
  static const predict::Predictor structured = h200_with(false);
  static const predict::Predictor learned = h200_with(true);
  if (gpu == "structured") return structured;
  if (gpu == "learned") return learned;
  return gpu == "h200" ? h200 : a100;
}

using shape::Dtype;

/// A few shapes of a class, so that branches are not learned by heart.
template <class Op, std::size_t size>
void estimate(benchmark::State& state, const char* gpu, const std::array<Op, size>& shapes) {
  const predict::Predictor& model = predictor(gpu);
  const std::array<op::Operator, size> operators = [&] {
    std::array<op::Operator, size> all;
    for (std::size_t i = 0; i < size; ++i) all[i] = shapes[i];
    return all;
  }();
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(model.cost(operators[next]));
    next = (next + 1) % size;
  }
  state.SetItemsProcessed(state.iterations());
}

constexpr std::array<op::Gemm, 4> training{{{1, 8192, 7680, 2560, Dtype::bf16},
                                            {1, 8192, 10928, 4096, Dtype::bf16},
                                            {1, 4096, 11008, 8192, Dtype::bf16, op::Layout::tn},
                                            {1, 8192, 4096, 11008, Dtype::bf16, op::Layout::nn}}};
constexpr std::array<op::Gemm, 4> decode{{{1, 1, 12288, 4096, Dtype::bf16},
                                          {1, 16, 4096, 11008, Dtype::bf16},
                                          {1, 64, 22016, 4096, Dtype::bf16},
                                          {1, 7, 32000, 4096, Dtype::bf16}}};
constexpr std::array<op::Gemm, 3> misaligned{
    {{1, 8192, 10922, 4096, Dtype::bf16}, {1, 8192, 4096, 10922, Dtype::bf16}, {128, 2048, 2048, 100, Dtype::bf16}}};
constexpr std::array<op::Gemm, 2> batched{
    {{128, 2048, 2048, 80, Dtype::bf16}, {128, 2048, 80, 2048, Dtype::bf16, op::Layout::nn}}};
constexpr std::array<op::GroupedGemm, 2> grouped{{{8, 16384, 14336, 4096}, {128, 8, 768, 2048}}};
constexpr std::array<op::Attention, 2> fused{{{4, 2048, 2048, 32, 32, 80, 80}, {1, 8192, 8192, 64, 8, 128, 128}}};
constexpr std::array<op::Attention, 2> cached{{{1, 1, 4096, 32, 8, 128, 128}, {64, 1, 2048, 32, 32, 128, 128}}};
constexpr std::array<op::Norm, 2> norms{{{8192, 4096}, {8, 4096}}};
constexpr std::array<op::Optimizer, 1> updates{{{6'738'415'616}}};
constexpr std::array<op::Collective, 2> collectives{
    {{op::CollectiveKind::all_reduce, 8, 67108864}, {op::CollectiveKind::all_gather, 4, 8192}}};

BENCHMARK_CAPTURE(estimate, gemm_training_h200, "h200", training);
BENCHMARK_CAPTURE(estimate, gemm_decode_h200, "h200", decode);
BENCHMARK_CAPTURE(estimate, gemm_misaligned_h200, "h200", misaligned);
BENCHMARK_CAPTURE(estimate, gemm_batched_h200, "h200", batched);
BENCHMARK_CAPTURE(estimate, grouped_gemm_h200, "h200", grouped);
BENCHMARK_CAPTURE(estimate, gemm_training_a100, "a100", training);
BENCHMARK_CAPTURE(estimate, gemm_decode_a100, "a100", decode);
BENCHMARK_CAPTURE(estimate, gemm_training_structured, "structured", training);
BENCHMARK_CAPTURE(estimate, gemm_decode_structured, "structured", decode);
BENCHMARK_CAPTURE(estimate, gemm_training_residual, "learned", training);
BENCHMARK_CAPTURE(estimate, gemm_decode_residual, "learned", decode);
BENCHMARK_CAPTURE(estimate, attention_h200, "h200", fused);
BENCHMARK_CAPTURE(estimate, attention_decode_h200, "h200", cached);
BENCHMARK_CAPTURE(estimate, norm_h200, "h200", norms);
BENCHMARK_CAPTURE(estimate, optimizer_h200, "h200", updates);
BENCHMARK_CAPTURE(estimate, collective_h200, "h200", collectives);

}  // namespace
}  // namespace gemmetry
