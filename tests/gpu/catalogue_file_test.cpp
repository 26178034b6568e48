#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "gemmetry/base/error.h"
#include "gemmetry/gpu/catalogue.h"

namespace gemmetry::gpu {
namespace {

using nlohmann::json;

/// Whether an error message holds what it must say.
::testing::AssertionResult says(const std::string& message, const std::string& part) {
  if (message.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "'" << part << "' is not in: " << message;
}

json fact(json value) { return {{"value", std::move(value)}, {"source", "a datasheet"}}; }

json good_gpu() {
  return {{"name", "x1"},
          {"title", "Example X1"},
          {"generation", "hopper"},
          {"facts",
           {{"sms", fact(100)},
            {"boost_clock_hz", fact(1.5e9)},
            {"tensor_flops_bf16", fact(600e12)},
            {"vector_flops", fact(40e12)},
            {"bandwidth", fact(3e12)},
            {"memory_bytes", fact(80e9)},
            {"l2_bytes", fact(50e6)},
            {"launch_stream_s", fact(4e-6)},
            {"launch_graph_s", fact(2e-6)}}},
          {"alignment", {{"2", {{"source", "assumed"}, {"classes", {{1, 0.5}, {8, 1}}}}}}}};
}

json good_node() {
  return {{"name", "n1"},
          {"title", "Example node"},
          {"gpu", "x1"},
          {"facts",
           {{"gpus", fact(4)},
            {"intra_bandwidth", fact(100e9)},
            {"intra_latency", fact(1e-6)},
            {"inter_bandwidth", fact(25e9)},
            {"inter_latency", fact(5e-6)}}}};
}

/// The message of reading the good GPU with the value at `pointer` replaced.
std::string gpu_error(const char* pointer, json value) {
  json file = good_gpu();
  file[json::json_pointer(pointer)] = std::move(value);
  try {
    gpu_from_json(file.dump(), "x1.json");
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

std::string gpu_error_without(const char* parent, const char* key) {
  json file = good_gpu();
  file[json::json_pointer(parent)].erase(key);
  try {
    gpu_from_json(file.dump(), "x1.json");
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

std::string text_error(const std::string& text) {
  try {
    gpu_from_json(text, "x1.json");
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(GpuFile, IsRead) {
  const Gpu gpu = gpu_from_json(good_gpu().dump(), "x1.json");
  EXPECT_EQ(gpu.name, "x1");
  EXPECT_EQ(gpu.generation, Generation::hopper);
  EXPECT_EQ(gpu.sms, 100);
  EXPECT_DOUBLE_EQ(peak_flops(gpu, shape::Dtype::bf16), 600e12);
  EXPECT_EQ(gpu.sources.at("sms"), "a datasheet");
  EXPECT_EQ(gpu.sources.at("alignment.2"), "assumed");
  EXPECT_FALSE(gpu.power_limit_w.has_value());
  EXPECT_EQ(gpu.alignment.at(2).size(), 2u);
}

TEST(GpuFile, AnUnknownValueIsNullAndMaySayWhy) {
  json file = good_gpu();
  file["facts"]["power_limit_w"] = nullptr;
  file["facts"]["link_bandwidth"] = {{"value", nullptr}, {"source", "no links"}};
  const Gpu gpu = gpu_from_json(file.dump(), "x1.json");
  EXPECT_FALSE(gpu.power_limit_w.has_value());
  EXPECT_FALSE(gpu.link_bandwidth.has_value());
  EXPECT_EQ(gpu.sources.at("link_bandwidth"), "no links");
}

TEST(GpuFile, AFactWithoutASourceIsRefused) {
  EXPECT_TRUE(says(gpu_error_without("/facts/bandwidth", "source"),
                   "x1.json: key 'facts.bandwidth.source' is missing: every fact says where it is from"));
  EXPECT_TRUE(
      says(gpu_error("/facts/bandwidth/source", " "), "key 'facts.bandwidth.source' = \" \": must not be empty"));
  EXPECT_TRUE(says(gpu_error("/facts/bandwidth", 3e12), "expected {\"value\": NUMBER, \"source\""));
  EXPECT_TRUE(says(gpu_error_without("/alignment/2", "source"), "key 'alignment.2.source' is missing"));
}

TEST(GpuFile, UnknownKeysAreRefusedWithTheNearest) {
  EXPECT_TRUE(says(gpu_error("/facts/bandwith", fact(1)), "unknown key 'facts.bandwith'; did you mean 'bandwidth'?"));
  EXPECT_TRUE(says(gpu_error("/titl", "x"), "unknown key 'titl'; did you mean 'title'?"));
  EXPECT_TRUE(says(gpu_error("/facts/sms/valeu", 1), "unknown key 'facts.sms.valeu'"));
  EXPECT_TRUE(says(gpu_error("/alignment/8", 1), "unknown key 'alignment.8'"));
  EXPECT_TRUE(says(gpu_error("/alignment/2/class", 1), "unknown key 'alignment.2.class'; did you mean 'classes'?"));
}

TEST(GpuFile, ImpossibleValuesAreRefused) {
  EXPECT_TRUE(says(gpu_error("/facts/sms/value", -132), "key 'facts.sms.value' = -132: expected 1 to 100000"));
  EXPECT_TRUE(says(gpu_error("/facts/sms/value", 131.5), "expected a whole number"));
  EXPECT_TRUE(says(gpu_error("/facts/sms/value", 0), "expected 1 to"));
  EXPECT_TRUE(says(gpu_error("/facts/bandwidth/value", "3 TB/s"), "\"3 TB/s\": expected a number"));
  EXPECT_TRUE(says(gpu_error("/facts/bandwidth/value", true), "expected a number"));
  EXPECT_TRUE(says(gpu_error("/facts/sustained_fraction", fact(1.2)), "expected 0.01 to 1"));
  EXPECT_TRUE(says(gpu_error("/facts", 3), "key 'facts' is number, expected a JSON object"));
}

TEST(GpuFile, AWrongUnitIsCaught) {
  EXPECT_TRUE(says(gpu_error("/facts/boost_clock_hz/value", 1830), "expected 1e+08 to 1e+11 Hz"));
  EXPECT_TRUE(says(gpu_error("/facts/tensor_flops_bf16/value", 989), "FLOP/s"));
  EXPECT_TRUE(says(gpu_error("/facts/bandwidth/value", 3350), "bytes/s"));
  EXPECT_TRUE(says(gpu_error("/facts/launch_graph_s/value", 2.3), " s"));
}

TEST(GpuFile, NumbersThatAreNoneAreRefused) {
  std::string text = good_gpu().dump();
  const std::string sms = "\"value\":100}";
  ASSERT_NE(text.find(sms), std::string::npos);
  for (const char* number : {"NaN", "Infinity", "-Infinity", "1e999"}) {
    std::string bad = text;
    bad.replace(bad.find(sms), sms.size(), std::string("\"value\":") + number + "}");
    EXPECT_TRUE(says(text_error(bad), "x1.json: not valid JSON")) << number;
  }
}

TEST(GpuFile, WhatMustBeKnownIsNamed) {
  EXPECT_TRUE(
      says(gpu_error_without("/facts", "bandwidth"), "key 'facts.bandwidth' is missing: it must be known, in bytes/s"));
  EXPECT_TRUE(says(gpu_error("/facts/sms/value", nullptr), "key 'facts.sms'"));
  EXPECT_TRUE(says(gpu_error_without("", "alignment"), "key 'alignment' is missing"));
  EXPECT_TRUE(says(gpu_error("/facts/tensor_flops_fp8", fact(1200e12)),
                   "key 'alignment.1' is missing: it must be given for the tensor units of fp8"));
}

TEST(GpuFile, NamesAndTextsAreChecked) {
  EXPECT_TRUE(says(gpu_error("/name", "My GPU"), "key 'name' = \"My GPU\": expected at most 64 lower-case letters"));
  EXPECT_TRUE(says(gpu_error("/name", ""), "key 'name'"));
  EXPECT_TRUE(says(gpu_error("/title", "a\nb"), "without control characters"));
  EXPECT_TRUE(says(gpu_error("/aliases", "x"), "key 'aliases' = \"x\": expected a list of names"));
  EXPECT_TRUE(says(gpu_error("/aliases", {1}), "expected a list of names"));
  EXPECT_TRUE(says(gpu_error("/generation", "hoper"), "did you mean 'hopper'?"));
}

TEST(GpuFile, AlignmentClassesAreChecked) {
  const auto error = [](json classes) { return gpu_error("/alignment/2/classes", std::move(classes)); };
  const auto pairs = [](std::initializer_list<std::pair<double, double>> list) {
    json result = json::array();
    for (const auto& [elements, efficiency] : list) result.push_back(json::array({elements, efficiency}));
    return result;
  };
  EXPECT_TRUE(says(error(json::array()), "expected a list of [elements, efficiency]"));
  EXPECT_TRUE(says(error({{"1", 0.5}}), "key 'alignment.2.classes'"));
  EXPECT_TRUE(says(error(pairs({{1, 0.5}, {3, 1}})), "3 elements: expected a power of two"));
  EXPECT_TRUE(says(error(pairs({{2, 0.5}, {8, 1}})), "the first class must be for 1 element"));
  EXPECT_TRUE(says(error(pairs({{1, 0.5}, {8, 0.9}})), "the last class must have efficiency 1"));
  EXPECT_TRUE(says(error(pairs({{1, 0}, {8, 1}})), "efficiency 0: expected a fraction above 0"));
  EXPECT_TRUE(says(error(pairs({{1, 0.5}, {8, 0.4}, {16, 1}})), "efficiencies that never fall"));
  EXPECT_TRUE(says(error(pairs({{1, 0.5}, {8, 0.6}, {8, 1}})), "expected ascending elements"));
  EXPECT_EQ(error(pairs({{1, 1}})), "no error");
}

TEST(GpuFile, TextThatIsNoObjectIsRefused) {
  EXPECT_TRUE(says(text_error(""), "x1.json: not valid JSON"));
  EXPECT_TRUE(says(text_error("[1, 2]"), "expected a JSON object"));
  const std::string text = good_gpu().dump();
  for (std::size_t length = 0; length < text.size(); ++length)
    EXPECT_NE(text_error(text.substr(0, length)), "no error") << length;
}

TEST(NodeFile, IsRead) {
  const Node node = node_from_json(good_node().dump(), "n1.json");
  EXPECT_EQ(node.gpu, "x1");
  EXPECT_EQ(node.gpus, 4);
  EXPECT_DOUBLE_EQ(node.inter_bandwidth, 25e9);
  EXPECT_EQ(node.sources.at("gpus"), "a datasheet");
}

TEST(NodeFile, IsCheckedLikeThatOfAGpu) {
  const auto error = [](const char* pointer, json value) -> std::string {
    json file = good_node();
    file[json::json_pointer(pointer)] = std::move(value);
    try {
      node_from_json(file.dump(), "n1.json");
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_TRUE(says(error("/facts/gpus/value", 0), "n1.json: key 'facts.gpus.value' = 0"));
  EXPECT_TRUE(says(error("/facts/gpus/value", 2.5), "expected a whole number"));
  EXPECT_TRUE(says(error("/facts/intra_bandwidth/value", 300), "bytes/s"));
  EXPECT_TRUE(says(error("/facts/intra_bandwidth/source", nullptr), "'facts.intra_bandwidth.source'"));
  EXPECT_TRUE(says(error("/facts/inter_bandwith", fact(1)), "did you mean 'inter_bandwidth'?"));
  EXPECT_TRUE(says(error("/gpu", nullptr), "key 'gpu'"));
}

}  // namespace
}  // namespace gemmetry::gpu
