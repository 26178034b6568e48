#include "gemmetry/run/verify/proposal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "error_of.h"
#include "gemmetry/predict/predictor.h"
#include "gemmetry/run/verify/model_prices.h"
#include "gemmetry/run/verify/recompute_cost.h"
#include "gemmetry/shape/import.h"

namespace gemmetry::run {
namespace {

const shape::Model& llama() {
  static const shape::Model model = shape::load_model("llama-3.1-8b");
  return model;
}

const predict::Predictor& h200() {
  static const predict::Predictor predictor = predict::Predictor::for_gpu("h200", {});
  return predictor;
}

ModelPrices prices() { return {llama(), h200(), {.capacity = 1024}}; }

Trace some_trace(std::int64_t requests = 100) {
  TraceOptions options;
  options.requests = requests;
  options.rate_per_s = 12;
  options.prompt = {LengthKind::fixed, 200};
  options.new_tokens = {LengthKind::fixed, 205};
  options.vocab = 100;
  return random_trace(options);
}

TEST(ModelPrices, FillInPromptsByThePowerOfTwo) {
  EXPECT_EQ(prefill_bucket(1, 1024), 16);
  EXPECT_EQ(prefill_bucket(129, 1024), 256);
  EXPECT_EQ(prefill_bucket(600, 1000), 1000);
  ModelPrices model = prices();
  EXPECT_EQ(model.prefill_s(130), model.prefill_s(256));
  EXPECT_LT(model.prefill_s(16), model.prefill_s(1024));
}

TEST(ModelPrices, GrowWithRowsAndContext) {
  ModelPrices model = prices();
  EXPECT_LT(model.decode_s(32, 10), model.decode_s(32, 1000));
  EXPECT_NEAR(model.decode_s(8, 768), (model.decode_s(8, 512) + model.decode_s(8, 1023)) / 2, 1e-5);
  EXPECT_LT(model.verify_s({1, 16}, 300), model.verify_s({1, 512}, 300));
  const double weights_s = 2 * 7.5e9 / h200().gpu().bandwidth;
  for (const PassShape& shape : usual_pass_shapes()) EXPECT_GT(model.verify_s(shape, 300), weights_s);
}

TEST(ModelPrices, TakeTimeOfTheHostBeside) {
  ModelPrices with(llama(), h200(), {.capacity = 1024, .host_s = 1});
  EXPECT_NEAR(with.decode_s(4, 100), prices().decode_s(4, 100) + 1, 1e-9);
}

TEST(Proposal, ServesEveryShapeAndTakesTheBest) {
  ProposalOptions options;
  options.flip_rate = 0.0045;
  const PassPrices of = ModelPrices::of(std::make_shared<ModelPrices>(llama(), h200(), ModelPricesOptions{}));
  for (const Aim aim : {Aim::p99, Aim::total}) {
    options.aim = aim;
    const Proposal proposal = propose(some_trace(), of, options);
    ASSERT_EQ(proposal.cells.size(), 21u);
    for (const ProposedCell& cell : proposal.cells) {
      EXPECT_GE(cell.by(aim), proposal.cells[proposal.best].by(aim));
      EXPECT_NEAR(cell.closed_form, recompute_cost(0.0045, cell.shape.window, 205), 1e-12);
      EXPECT_GT(cell.metrics.end_to_end_s.p50, proposal.unverified.end_to_end_s.p50);
      EXPECT_EQ(cell.metrics.committed, 100 * 205);
    }
    EXPECT_EQ(proposal.fixed_batch.verify_passes, 0);
  }
}

TEST(Proposal, WithoutFlipsLongWindowsCostNothingButTime) {
  ProposalOptions options;
  options.shapes = {{1, 16}, {1, 64}};
  const PassPrices of{.prefill_s = [](std::int64_t) { return 0.01; },
                      .decode_s = [](std::int64_t, double) { return 0.01; },
                      .verify_s = [](const PassShape&, double) { return 0.01; }};
  const Proposal proposal = propose(some_trace(), of, options);
  EXPECT_EQ(proposal.best, 1u);
  EXPECT_EQ(proposal.cells[0].metrics.windows.rollbacks, 0);
  options.shapes.clear();
  EXPECT_NE(error_of([&] { propose(some_trace(), of, options); }).find("no shape"), std::string::npos);
}

}  // namespace
}  // namespace gemmetry::run
