#include "gemmetry/gpu/catalogue.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <set>

#include "gemmetry/base/error.h"
#include "gemmetry/base/json.h"
#include "gemmetry/gpu/embedded_gpus.h"
#include "gemmetry/gpu/embedded_nodes.h"

namespace gemmetry::gpu {
namespace {

using shape::Dtype;

/// Whether an error message holds what it must say.
::testing::AssertionResult says(const std::string& message, const std::string& part) {
  if (message.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "'" << part << "' is not in: " << message;
}

std::string message(const auto& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Catalogue, HoldsTheGpusOfThePaperAndOfToday) {
  for (const char* name : {"v100-sxm2-16gb", "v100-sxm2-32gb", "a100-40gb-sxm", "a100-80gb-sxm", "a100-pcie", "h100",
                           "h100-pcie", "h200", "gh200", "b200", "l40s", "rtx-4090", "mi250x", "mi300x"})
    EXPECT_EQ(load_gpu(name).name, name);
}

TEST(Catalogue, FilesAreNamedAfterTheirGpu) {
  ASSERT_FALSE(gpu_names().empty());
  for (const std::string& name : gpu_names()) EXPECT_EQ(load_gpu(name).name, name);
  for (const std::string& name : node_names()) EXPECT_EQ(load_node(name).name, name);
}

TEST(Catalogue, FindsAliasesHoweverTheyAreTyped) {
  EXPECT_EQ(load_gpu("a100").name, "a100-80gb-sxm");
  EXPECT_EQ(load_gpu("v100").name, "v100-sxm2-32gb");
  EXPECT_EQ(load_gpu("H100_SXM").name, "h100");
  EXPECT_EQ(load_gpu("RTX 4090").name, "rtx-4090");
  EXPECT_EQ(load_node("p4d").name, "aws-p4d");
}

TEST(Catalogue, NoAliasMeansTwoThings) {
  for (const auto files : {embedded_gpus(), embedded_nodes()}) {
    std::multiset<std::string> all;
    for (const EmbeddedFile& file : files) {
      all.emplace(file.name);
      for (const auto& alias : parse_json(file.text, "").value("aliases", nlohmann::json::array())) {
        const auto text = alias.get<std::string>();
        EXPECT_EQ(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-."), std::string::npos) << text;
        all.insert(text);
      }
    }
    for (const std::string& name : all) EXPECT_EQ(all.count(name), 1u) << name;
  }
}

TEST(Catalogue, UnknownNamesGetTheNearest) {
  EXPECT_TRUE(says(message([] { load_gpu("h20"); }), "GPU 'h20' is unknown; did you mean 'h200'?"));
  EXPECT_TRUE(says(message([] { load_gpu("mi250"); }), "did you mean 'mi250x'?"));
  EXPECT_TRUE(says(message([] { load_gpu("tpu-v5"); }), "known: a100-40gb-sxm, "));
  EXPECT_TRUE(says(message([] { load_node("sumit"); }), "node 'sumit' is unknown; did you mean 'summit'?"));
}

TEST(Catalogue, ReadsAFileOfTheUser) {
  const std::string path = ::testing::TempDir() + "gemmetry_own_gpu.json";
  for (const EmbeddedFile& file : embedded_gpus())
    if (file.name == "h200") std::ofstream(path) << file.text;
  EXPECT_EQ(load_gpu(path).name, "h200");
  std::remove(path.c_str());
  EXPECT_TRUE(says(message([&] { load_gpu(path); }), path + ": no such file"));
}

TEST(Catalogue, EveryNumberHasASource) {
  for (const std::string& name : gpu_names()) {
    const Gpu gpu = load_gpu(name);
    for (const char* fact : {"sms", "boost_clock_hz", "vector_flops", "bandwidth", "memory_bytes", "l2_bytes",
                             "launch_stream_s", "launch_graph_s"})
      EXPECT_TRUE(gpu.sources.contains(fact)) << name << ' ' << fact;
    for (const auto& [dtype, flops] : gpu.tensor_flops)
      EXPECT_TRUE(gpu.sources.contains("tensor_flops_" + std::string(shape::name(dtype)))) << name;
    for (const auto& [size, classes] : gpu.alignment)
      EXPECT_TRUE(gpu.sources.contains("alignment." + std::to_string(size))) << name;
    for (const auto& [fact, source] : gpu.sources) EXPECT_FALSE(source.empty()) << name << ' ' << fact;
  }
}

// A unit multiplies a power of two of FLOP a cycle: this finds sparse throughputs, clocks that are not the stated ones
// and slips of the pen in one check. Datasheets round, so 2 %.
TEST(Catalogue, TensorThroughputIsAPowerOfTwoPerSmAndCycle) {
  for (const std::string& name : gpu_names()) {
    const Gpu gpu = load_gpu(name);
    ASSERT_FALSE(gpu.tensor_flops.empty()) << name;
    for (const auto& [dtype, flops] : gpu.tensor_flops) {
      const double per_cycle = flops / (static_cast<double>(gpu.sms) * gpu.boost_clock_hz);
      const double nearest = std::exp2(std::round(std::log2(per_cycle)));
      EXPECT_NEAR(per_cycle / nearest, 1, 0.02) << name << ' ' << shape::name(dtype);
    }
  }
}

TEST(Catalogue, HalvingTheElementDoublesTheThroughput) {
  for (const std::string& name : gpu_names()) {
    const Gpu gpu = load_gpu(name);
    if (gpu.tensor_flops.contains(Dtype::bf16)) {
      EXPECT_DOUBLE_EQ(peak_flops(gpu, Dtype::bf16), peak_flops(gpu, Dtype::fp16)) << name;
    }
    if (gpu.tensor_flops.contains(Dtype::fp8)) {
      EXPECT_NEAR(peak_flops(gpu, Dtype::fp8) / peak_flops(gpu, Dtype::fp16), 2, 0.03) << name;
    }
    if (gpu.tensor_flops.contains(Dtype::tf32)) {
      EXPECT_NEAR(peak_flops(gpu, Dtype::fp16) / peak_flops(gpu, Dtype::tf32), 2, 0.03) << name;
    }
  }
}

TEST(Catalogue, MemoryNeverTakesLongerThanATenthOfASecondToRead) {
  for (const std::string& name : gpu_names()) {
    const Gpu gpu = load_gpu(name);
    EXPECT_GT(gpu.memory_bytes / gpu.bandwidth, 0.01) << name;
    EXPECT_LT(gpu.memory_bytes / gpu.bandwidth, 0.1) << name;
    EXPECT_LT(gpu.l2_bytes, gpu.memory_bytes / 100) << name;
    EXPECT_LE(gpu.launch_graph_s, gpu.launch_stream_s) << name;
    EXPECT_LT(gpu.link_bandwidth.value_or(0), gpu.bandwidth) << name;
    EXPECT_FALSE(gpu.link.empty()) << name;
  }
}

TEST(Catalogue, SustainedFractionIsNullWhereNobodyKnows) {
  EXPECT_NEAR(load_gpu("h200").sustained_fraction.value(), 709.0 / 842.0, 1e-3);
  EXPECT_EQ(load_gpu("h100").sustained_fraction, load_gpu("h200").sustained_fraction) << "the same die and power limit";
  EXPECT_FALSE(load_gpu("b200").sustained_fraction.has_value());
}

TEST(Nodes, AreThoseOfTableThree) {
  const Node p4d = load_node("aws-p4d");
  EXPECT_EQ(p4d.gpus, 8);
  EXPECT_EQ(p4d.gpu, "a100-40gb-sxm");
  EXPECT_DOUBLE_EQ(p4d.intra_bandwidth, 300e9);  // 600 GB/s both ways
  EXPECT_DOUBLE_EQ(p4d.inter_bandwidth, 50e9);   // 400 Gb/s
  EXPECT_EQ(load_node("summit").gpus, 6);
  EXPECT_EQ(load_node("expanse").gpus, 4);
  for (const char* name : {"hgx-h100", "hgx-h200", "hgx-b200"}) EXPECT_EQ(load_node(name).gpus, 8) << name;
}

TEST(Nodes, LinksAreNoFasterThanTheirGpus) {
  for (const std::string& name : node_names()) {
    const Node node = load_node(name);
    const Gpu gpu = load_gpu(node.gpu);
    EXPECT_EQ(gpu.name, node.gpu) << name;
    EXPECT_LE(node.intra_bandwidth, gpu.link_bandwidth.value()) << name;
    for (const char* fact : {"gpus", "intra_bandwidth", "intra_latency", "inter_bandwidth", "inter_latency"})
      EXPECT_TRUE(node.sources.contains(fact)) << name << ' ' << fact;
  }
}

TEST(Nodes, UsualNodeIsTheCataloguedOne) {
  EXPECT_EQ(usual_node(load_gpu("h200")).name, "hgx-h200");
  EXPECT_EQ(usual_node(load_gpu("a100-40gb-sxm")).name, "aws-p4d");
  EXPECT_EQ(usual_node(load_gpu("v100-sxm2-16gb")).name, "summit");
}

TEST(Nodes, UsualNodeIsEightOnTheGpusOwnLinksWhereNoneIsCatalogued) {
  const Node gh200 = usual_node(load_gpu("gh200"));
  EXPECT_EQ(gh200.name, "gh200-x8");
  EXPECT_EQ(gh200.gpus, 8);
  EXPECT_DOUBLE_EQ(gh200.intra_bandwidth, 450e9);
  EXPECT_DOUBLE_EQ(usual_node(load_gpu("l40s")).intra_bandwidth, 32e9);
  for (const auto& [fact, source] : gh200.sources) EXPECT_TRUE(says(source, "assumed")) << fact;
}

}  // namespace
}  // namespace gemmetry::gpu
