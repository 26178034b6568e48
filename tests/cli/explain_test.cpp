#include <gtest/gtest.h>

#include <set>

#include "cli/program.h"

namespace gemmetry::cli {
namespace {

using Json = nlohmann::ordered_json;

Json explain(const std::string& arguments) {
  const Result result = gemmetry("explain " + arguments + " --format json");
  EXPECT_EQ(result.code, 0) << arguments << ": " << result.err;
  return result.code == 0 ? result.json() : Json();
}

double layer_time(const std::string& arguments) {
  return explain(arguments).at("totals").at("layer_time_s").get<double>();
}

/// Sum of what the operators take, by their counts.
double sum(const Json& explained, const char* key) {
  double total = 0;
  for (const Json& op : explained.at("operators")) total += op.at("count").get<double>() * op.at(key).get<double>();
  return total;
}

TEST(Explain, JsonHasThePromisedKeys) {
  const Json explained = explain("gpt3-2.7b");
  EXPECT_EQ(explained.at("schema_version"), 1);
  EXPECT_EQ(explained.at("model").at("name"), "gpt3-2.7b");
  EXPECT_EQ(explained.at("model").at("parameters"), 2651553280);
  std::set<std::string> kinds;
  for (const Json& op : explained.at("operators")) {
    for (const char* key : {"module", "detail", "pass", "kind", "count", "flop", "bytes", "time_s", "time_low_s",
                            "time_high_s", "bound", "reason"})
      EXPECT_TRUE(op.contains(key)) << key;
    EXPECT_LT(op.at("time_low_s"), op.at("time_s"));
    EXPECT_LT(op.at("time_s"), op.at("time_high_s"));
    EXPECT_FALSE(op.at("reason").get<std::string>().empty());
    if (op.at("kind") == "gemm") {
      for (const char* key : {"batch", "m", "n", "k", "layout", "dtype"}) EXPECT_TRUE(op.contains(key)) << key;
    }
    kinds.insert(op.at("kind"));
  }
  EXPECT_TRUE(kinds.contains("gemm"));
  EXPECT_TRUE(kinds.contains("attention"));
  for (const char* key : {"layer_time_s", "layer_time_low_s", "model_time_s", "model_time_high_s", "time_per_token_s"})
    EXPECT_GT(explained.at("totals").at(key), 0) << key;
}

TEST(Explain, ProductsOfTheFeedForwardAreThePapers) {
  const Json explained = explain("--hidden 2560 --layers 3 --heads 32 --vocab 50304 --batch 4 --seq 2048");
  bool found = false;
  for (const Json& op : explained.at("operators"))
    if (op.at("module") == "MLP h to 4h") {
      found = true;
      EXPECT_EQ(op.at("m"), 8192);
      EXPECT_EQ(op.at("n"), 10240);
      EXPECT_EQ(op.at("k"), 2560);
      EXPECT_EQ(op.at("count"), 3);
      EXPECT_EQ(op.at("flop").get<double>(), 2.0 * 8192 * 10240 * 2560);
    }
  EXPECT_TRUE(found);
}

TEST(Explain, OperatorsAddUpToTheTotals) {
  for (const char* arguments :
       {"gpt3-2.7b", "llama-2-7b --phase training --microbatches 4", "mixtral-8x7b --phase prefill", "gemma-2-2b",
        "deepseek-v2-lite --phase decode --batch 8", "llama-2-7b --tp 4 --pp 2"}) {
    const Json explained = explain(arguments);
    const Json& totals = explained.at("totals");
    EXPECT_NEAR(sum(explained, "time_s") / totals.at("model_time_s").get<double>(), 1, 1e-9) << arguments;
    EXPECT_NEAR(sum(explained, "flop") / totals.at("flop").get<double>(), 1, 1e-9) << arguments;
    const double per_token = totals.at("model_time_s").get<double>() / totals.at("tokens").get<double>();
    EXPECT_NEAR(totals.at("time_per_token_s").get<double>() / per_token, 1, 1e-9) << arguments;
  }
}

TEST(Explain, ALayerIsTheAverageOfItsKinds) {
  const Json totals = explain("gemma-2-2b --seq 8192 --batch 1").at("totals");
  ASSERT_EQ(totals.at("layers").size(), 2u);
  double time = 0, count = 0;
  for (const Json& kind : totals.at("layers")) {
    time += kind.at("count").get<double>() * kind.at("layer_time_s").get<double>();
    count += kind.at("count").get<double>();
  }
  EXPECT_EQ(count, 26);
  EXPECT_NEAR(totals.at("layer_time_s").get<double>(), time / count, 1e-9 * time);
}

TEST(Explain, LayersAreCountedOnceWhateverTheMicrobatches) {
  const std::string one = "gpt3-125m --phase training --microbatches ";
  for (const char* microbatches : {"1", "8"}) {
    const Json layers = explain(one + microbatches).at("totals").at("layers");
    EXPECT_EQ(layers.at(0).at("count"), 12) << microbatches;
  }
  EXPECT_NEAR(layer_time(one + "1"), layer_time(one + "8"), 1e-12);
}

TEST(Explain, OneLayerHasCountsOfOneLayer) {
  const Json explained = explain("gpt3-2.7b --layer");
  for (const Json& op : explained.at("operators")) {
    EXPECT_LE(op.at("count").get<int>(), 2) << op;
    EXPECT_NE(op.at("module"), "Linear Output");
  }
}

TEST(Explain, AMisalignedFeedForwardIsNamedAsTheReason) {
  const Json explained = explain("llama-2-7b --ffn 10922 --gpu h200");
  EXPECT_NE(explained.at("totals").at("layer_reason").get<std::string>().find("lignment"), std::string::npos);
  EXPECT_GT(explained.at("totals").at("layer_time_s"), 1.3 * layer_time("llama-2-7b --ffn 11008 --gpu h200"));
}

TEST(Explain, TheHeadlineOfThePaperDependsOnTheAttention) {
  const auto ratio = [](const std::string& more) {
    const std::string rest = " --batch 4 --seq 2048 --gpu h200 " + more;
    return layer_time("gpt3-2.7b" + rest) / layer_time("gpt3-2.7b --heads 20" + rest);
  };
  EXPECT_GT(ratio("--attention eager"), ratio("--attention fused"));
  EXPECT_GT(ratio("--attention unfused"), ratio("--attention fused"));
}

TEST(Explain, TrainingReportsUtilisationRateAndDays) {
  const Json explained = explain("gpt3-2.7b --phase training --tokens 300e9 --gpus 64");
  const Json& totals = explained.at("totals");
  const double mfu = totals.at("model_flop_utilisation").get<double>();
  EXPECT_GT(mfu, 0.05);
  EXPECT_LT(mfu, 1);
  const double rate = totals.at("tokens_per_s_per_gpu").get<double>();
  EXPECT_NEAR(totals.at("days").get<double>(), 300e9 / (rate * 64 * 86400), 1e-6 * totals.at("days").get<double>());
  EXPECT_LT(totals.at("days_low"), totals.at("days"));
  EXPECT_LT(totals.at("tokens_per_s_per_gpu_low"), totals.at("tokens_per_s_per_gpu"));
  EXPECT_FALSE(explain("gpt3-2.7b").at("totals").contains("days"));
}

TEST(Explain, DefaultsNeverExceedThePositionsOfTheModel) {
  EXPECT_EQ(explain("gpt2").at("workload").at("sequence"), 1024);
  EXPECT_EQ(explain("gpt2 --phase decode").at("workload").at("cache"), 1023);
  EXPECT_EQ(explain("llama-3.1-8b").at("workload").at("sequence"), 2048);
  EXPECT_EQ(explain("llama-3.1-8b --phase decode --seq 4096").at("workload").at("cache"), 4096);
}

TEST(Explain, MemoryAddsUpAndIsHeldAgainstTheGpu) {
  const Json memory = explain("llama-2-70b --phase training").at("totals").at("memory");
  double parts = 0;
  for (const char* key : {"weights_bytes", "gradients_bytes", "optimizer_bytes", "activations_bytes"})
    parts += memory.at(key).get<double>();
  EXPECT_NEAR(memory.at("total_bytes").get<double>() / parts, 1, 1e-9);
  EXPECT_EQ(memory.at("fits"), false);
  EXPECT_EQ(explain("gpt2").at("totals").at("memory").at("fits"), true);
}

TEST(Explain, ReadsConfigsFromFilesAndFolders) {
  const Scratch scratch;
  const std::string config =
      R"({"model_type": "llama", "hidden_size": 1024, "num_hidden_layers": 2, "num_attention_heads": 8,
    "intermediate_size": 2816, "vocab_size": 32000})";
  const std::string file = scratch.write("config.json", config);
  EXPECT_EQ(explain(file).at("model").at("hidden"), 1024);
  EXPECT_EQ(explain(scratch.path("")).at("model").at("ffn"), 2816);
  EXPECT_EQ(explain(file + " --ffn 4096").at("model").at("ffn"), 4096);
  const Result broken = gemmetry("explain " + scratch.write("broken.json", config.substr(0, 80)));
  EXPECT_EQ(broken.code, 2);
  EXPECT_TRUE(broken.one_line_of_error()) << broken.err;
  EXPECT_NE(broken.err.find("broken.json"), std::string::npos);
}

TEST(Explain, CsvHasALineAnOperator) {
  const Result csv = gemmetry("explain gpt3-2.7b --format csv");
  const Json explained = explain("gpt3-2.7b");
  EXPECT_EQ(static_cast<std::size_t>(std::count(csv.out.begin(), csv.out.end(), '\n')),
            explained.at("operators").size() + 1);
  EXPECT_NE(csv.out.find("time_s,time_low_s,time_high_s"), std::string::npos);
}

}  // namespace
}  // namespace gemmetry::cli
