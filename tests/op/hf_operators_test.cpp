// The products of a lowered model against those recorded from Hugging Face transformers (tools/record_hf_cases.py).

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "gemmetry/op/lower.h"
#include "gemmetry/shape/import.h"

namespace gemmetry::op {
namespace {

using nlohmann::json;

/// kind, then batch or experts, then the three sizes: transposition and operand order of batched products aside.
using Product = std::tuple<std::string, std::int64_t, std::int64_t, std::int64_t, std::int64_t>;
using Products = std::map<Product, std::int64_t>;

Product normalised(const std::string& kind, std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k) {
  if (kind == "gemm" && batch > 1 && m > n) std::swap(m, n);
  return {kind, batch, m, n, k};
}

Products recorded(const json& rows) {
  Products products;
  for (const json& row : rows)
    products[normalised(row[0], row[1], row[2], row[3], row[4])] += row[5].get<std::int64_t>();
  return products;
}

Products lowered(const shape::Model& model, std::int64_t batch, std::int64_t sequence) {
  shape::Workload workload;
  workload.batch = batch;
  workload.sequence = sequence;
  workload.attention = shape::AttentionKind::unfused;
  workload.projections = shape::Projections::hf;
  Program program;
  lower(model, workload, program);
  Products products;
  for (std::size_t i = 0; i < program.steps().size(); ++i) {
    const Operator& op = program.steps()[i].op;
    if (const Gemm* g = std::get_if<Gemm>(&op))
      products[normalised("gemm", g->batch, g->m, g->n, g->k)] += program.count(i);
    if (const GroupedGemm* g = std::get_if<GroupedGemm>(&op))
      products[normalised("grouped_gemm", g->experts, g->rows, g->n, g->k)] += program.count(i);
  }
  return products;
}

/// The config of the same family with `layers` layers.
json cut(json config, std::size_t layers) {
  for (const char* key : {"num_hidden_layers", "n_layer", "n_layers", "num_layers"})
    if (config.contains(key)) config[key] = layers;
  for (const char* key : {"layer_types", "attention_layers"})
    if (config.contains(key) && config[key].is_array() && config[key].size() > layers)
      config[key].erase(config[key].begin() + static_cast<std::ptrdiff_t>(layers), config[key].end());
  if (config.contains("attention_types"))
    config["attention_types"] =
        layers == 1 ? json::parse(R"([[["global"], 1]])") : json::parse(R"([[["global", "local"], 1]])");
  return config;
}

std::string shown(const Products& products) {
  std::string text;
  for (const auto& [product, count] : products) {
    const auto& [kind, batch, m, n, k] = product;
    text += kind + " " + std::to_string(batch) + " " + std::to_string(m) + " " + std::to_string(n) + " " +
            std::to_string(k) + " x" + std::to_string(count) + "\n";
  }
  return text;
}

TEST(HuggingFace, OperatorsEqualTheRecordedOnes) {
  std::ifstream file(std::string(GEMMETRY_TEST_DATA) + "/hf_cases.json");
  ASSERT_TRUE(file);
  const json cases = json::parse(file);
  ASSERT_GE(cases.size(), 36u);
  for (const json& example : cases)
    for (const std::size_t layers : {std::size_t{1}, std::size_t{2}}) {
      const std::string name = example["name"].get<std::string>() + ", " + std::to_string(layers) + " layers";
      SCOPED_TRACE(name);
      const shape::Model model = shape::model_from_hf_config(cut(example["config"], layers).dump(), name);
      const Products expected = recorded(example["ops_" + std::to_string(layers) + "_layers"]);
      EXPECT_EQ(shown(lowered(model, example["b"], example["s"])), shown(expected));
    }
}

}  // namespace
}  // namespace gemmetry::op
