#include "gemmetry/gpu/calibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "gemmetry/base/error.h"
#include "gemmetry/gpu/catalogue.h"

namespace gemmetry::gpu {
namespace {

using nlohmann::json;

template <class Group>
json group_json() {
  json group{{"source", "made up"}};
  for (const auto& field : Group::fields())
    group[std::string(field.name)] = (field.low + std::min(field.high, 1.0)) / 2;
  return group;
}

json made_up() {
  json file{{"name", "made-up"},
            {"gemm", group_json<GemmCoefficients>()},
            {"misaligned_gemm", group_json<GemmCoefficients>()},
            {"attention", group_json<AttentionCoefficients>()},
            {"decode", group_json<DecodeCoefficients>()},
            {"pointwise", group_json<PointwiseCoefficients>()},
            {"collective", group_json<CollectiveCoefficients>()}};
  json& errors = file["errors"];
  errors["source"] = "made up";
  for (const char* name :
       {"product", "thin_product", "misaligned_product", "batched_product", "attention", "pointwise", "collective"})
    errors[name] = {{"shared", 0.1}, {"independent", 0.2}};
  return file;
}

Calibration read(const json& file) { return calibration_from_json(file.dump(), "made-up.json"); }

/// The message of the error that reading `file` ends in.
std::string failure(const json& file) {
  try {
    read(file);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Calibration, ReadsEveryCoefficientAndItsSource) {
  json file = made_up();
  file["gemm"]["tensor_efficiency"] = 0.75;
  file["decode"]["split_keys"] = 256;
  const Calibration calibration = read(file);
  EXPECT_EQ(calibration.name, "made-up");
  EXPECT_EQ(calibration.fit, Fit::own);
  EXPECT_DOUBLE_EQ(calibration.gemm.tensor_efficiency, 0.75);
  EXPECT_DOUBLE_EQ(calibration.decode.split_keys, 256);
  EXPECT_DOUBLE_EQ(error_of(calibration, "attention").independent, 0.2);
  EXPECT_EQ(calibration.sources.size(), 7U);
  for (const auto& [group, source] : calibration.sources) EXPECT_EQ(source, "made up") << group;
}

TEST(Calibration, RefusesWhatItCannotUseAndNamesIt) {
  json file = made_up();
  file["gemm"]["tensor_eficiency"] = 0.7;
  EXPECT_EQ(failure(file), "made-up.json: unknown key 'gemm.tensor_eficiency'; did you mean 'tensor_efficiency'?");

  file = made_up();
  file["gemm"]["tensor_efficiency"] = 80;
  EXPECT_EQ(failure(file), "made-up.json: key 'gemm.tensor_efficiency' = 80: expected 0.01 to 2");

  file = made_up();
  file["attention"].erase("softmax_block_s");
  EXPECT_NE(failure(file).find("'attention.softmax_block_s'"), std::string::npos);

  file = made_up();
  file["collective"].erase("source");
  EXPECT_NE(failure(file).find("'collective.source'"), std::string::npos);

  file = made_up();
  file["errors"]["product"]["shared"] = -1;
  EXPECT_NE(failure(file).find("'errors.product.shared' = -1"), std::string::npos);

  file = made_up();
  file.erase("pointwise");
  EXPECT_NE(failure(file).find("'pointwise'"), std::string::npos);

  EXPECT_THROW(calibration_from_json("{", "broken.json"), Error);
}

json residuals_json() {
  return {{"source", "made up"},
          {"gemm",
           {{"features", {"log2_m", "fill"}},
            {"dtypes", {"bf16", "fp8"}},
            {"ranges", {{"log2_m", {0, 15}}}},
            {"errors", {{"product", {{"shared", 0.01}, {"independent", 0.02}}}}},
            {"trees", {{{0, -1, 1, -1, -1}, {4.5, 0.1, 0.5, -0.1, 0.2}}, {{-1}, {0.25}}}},
            {"spread", json::array()}}}};
}

TEST(Calibration, ReadsResiduals) {
  json file = made_up();
  EXPECT_TRUE(read(file).residuals.empty());
  file["residuals"] = residuals_json();
  const Calibration calibration = read(file);
  EXPECT_EQ(calibration.sources.at("residuals"), "made up");
  const Residual& residual = calibration.residuals.at("gemm");
  EXPECT_EQ(residual.features, (std::vector<std::string>{"log2_m", "fill"}));
  EXPECT_EQ(residual.dtypes, (std::vector{shape::Dtype::bf16, shape::Dtype::fp8}));
  EXPECT_DOUBLE_EQ(residual.ranges.at("log2_m").high, 15);
  EXPECT_DOUBLE_EQ(residual.errors.at("product").independent, 0.02);
  ASSERT_EQ(residual.trees.size(), 2U);
  EXPECT_EQ(residual.trees[0].split, (std::vector<int>{0, -1, 1, -1, -1}));
  EXPECT_FLOAT_EQ(residual.trees[0].number[4], 0.2F);
  EXPECT_EQ(end_of_branch(residual.trees[0], 2), 5U);
  EXPECT_TRUE(residual.spread.empty());
}

TEST(Calibration, RefusesResidualsItCannotUseAndNamesThem) {
  const auto with = [](auto change) {
    json file = made_up();
    file["residuals"] = residuals_json();
    change(file["residuals"]["gemm"]);
    return failure(file);
  };
  const auto tree = [&](const json& text) { return with([&](json& gemm) { gemm["trees"][1] = text; }); };
  EXPECT_EQ(tree({{2, -1, -1}, {0, 1, 2}}),
            "made-up.json: tree 1 of 'gemm.trees': expected features from -1 (a leaf) to 1");
  const std::string order =
      "made-up.json: tree 1 of 'gemm.trees': expected the nodes of one tree in pre-order: each with all of its left "
      "branch, then its right";
  EXPECT_EQ(tree({{0, -1}, {0, 1}}), order);                // a branch is missing
  EXPECT_EQ(tree({{0, -1, -1, -1}, {0, 1, 2, 3}}), order);  // one too many
  EXPECT_NE(tree({{0, -1, -1}, {0, 1}}).find("two lists of one length"), std::string::npos);
  EXPECT_NE(tree({{-1}, {1e60}}).find("expected numbers"), std::string::npos);
  EXPECT_NE(tree(json::array()).find("two lists of one length"), std::string::npos);
  EXPECT_EQ(with([](json& gemm) { gemm["dtypes"] = {"bf17"}; }),
            "made-up.json: key 'residuals.gemm.dtypes' = [\"bf17\"]: 'bf17' is unknown: use bf16, fp16, fp8, tf32 or "
            "fp32");
  EXPECT_NE(with([](json& gemm) {
              gemm["ranges"]["log2_n"] = {0, 1};
            }).find("'residuals.gemm.ranges.log2_n'"),
            std::string::npos);
  EXPECT_NE(with([](json& gemm) {
              gemm["ranges"]["log2_m"] = {3, 1};
            }).find("expected [least, largest]"),
            std::string::npos);
  EXPECT_NE(with([](json& gemm) {
              gemm["features"] = {"fill", "fill"};
            }).find("'fill' is there twice"),
            std::string::npos);
  EXPECT_NE(with([](json& gemm) { gemm["tree"] = 1; }).find("unknown key 'residuals.gemm.tree'"), std::string::npos);
  EXPECT_NE(with([](json& gemm) { gemm["errors"]["products"] = 1; }).find("did you mean 'product'"), std::string::npos);
}

TEST(Calibration, ReadsPowerWhereItIsKnown) {
  json file = made_up();
  EXPECT_FALSE(read(file).power.has_value());
  file["power"] = group_json<PowerCoefficients>();
  file["power"]["idle_w"] = 90;
  EXPECT_DOUBLE_EQ(read(file).power->idle_w, 90);
  file["power"].erase("exponent");
  EXPECT_NE(failure(file).find("'power.exponent'"), std::string::npos);
}

TEST(Calibration, EveryShippedOneBelongsToACataloguedGpu) {
  EXPECT_GE(calibration_names().size(), 5U);
  for (const std::string& name : calibration_names()) {
    const Gpu gpu = load_gpu(name);
    const Calibration calibration = calibration_for(gpu);
    EXPECT_EQ(calibration.name, name);
    EXPECT_EQ(calibration.fit, Fit::own);
    EXPECT_EQ(calibration.errors.size(), 7U);
    for (const auto& [group, source] : calibration.sources) EXPECT_GT(source.size(), 20U) << name << " " << group;
  }
}

TEST(Calibration, EveryCataloguedGpuGetsTheNearest) {
  const auto chosen = [](const char* name) { return calibration_for(load_gpu(name)); };
  EXPECT_EQ(chosen("h200").name, "h200");
  EXPECT_EQ(chosen("gh200").fit, Fit::generation);
  EXPECT_EQ(chosen("h100-pcie").name, "h100");
  EXPECT_EQ(chosen("a100-40gb").name, "a100-80gb-sxm");
  EXPECT_EQ(chosen("a100-40gb").fit, Fit::generation);
  EXPECT_EQ(chosen("v100-sxm2-32gb").name, "v100-sxm2-16gb");
  EXPECT_EQ(chosen("b200").fit, Fit::borrowed);
  EXPECT_EQ(chosen("b200").name, "h200");
  EXPECT_EQ(chosen("rtx-4090").name, "a100-80gb-sxm");
  EXPECT_EQ(chosen("mi300x").name, "mi250x");
  for (const std::string& name : gpu_names()) EXPECT_NO_THROW(calibration_for(load_gpu(name))) << name;
}

TEST(Calibration, ErrorsWidenWithDistance) {
  const LogError own = error_of(calibration_for(load_gpu("h200")), "product");
  const LogError sibling = error_of(calibration_for(load_gpu("gh200")), "product");
  const LogError borrowed = error_of(calibration_for(load_gpu("b200")), "product");
  EXPECT_LT(own.shared, sibling.shared);
  EXPECT_LT(sibling.shared, borrowed.shared);
  EXPECT_LT(own.independent, borrowed.independent);
  EXPECT_GE(borrowed.shared, 0.25);
}

TEST(Calibration, UnknownErrorClassGetsTheWidest) {
  Calibration calibration;
  calibration.errors = {{"a", {0.1, 0.3}}, {"b", {0.2, 0.1}}};
  EXPECT_DOUBLE_EQ(error_of(calibration, "c").shared, 0.2);
  EXPECT_DOUBLE_EQ(error_of(calibration, "c").independent, 0.3);
}

TEST(Calibration, ReferenceIsThe16BitPeak) {
  EXPECT_DOUBLE_EQ(reference_flops(load_gpu("h200")), 989.4e12);
  Gpu gpu;
  gpu.vector_flops = 5e12;
  EXPECT_DOUBLE_EQ(reference_flops(gpu), 5e12);
}

}  // namespace
}  // namespace gemmetry::gpu
