#include "gemmetry/study/study_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "scratch.h"
#include "study/studies.h"

namespace gemmetry::study {
namespace {

using nlohmann::ordered_json;

/// What a change of a study that is valid otherwise is refused with.
std::string refusal(const ordered_json& document) {
  const std::string problem = error_of([&] { study_of(document); });
  EXPECT_EQ(problem.find('\n'), std::string::npos) << problem;
  return problem;
}

/// The product study with one value changed, by its JSON pointer; null removes it.
std::string with(const std::string& pointer, const ordered_json& value, ordered_json document = product_study()) {
  document[ordered_json::json_pointer(pointer)] = value;
  return refusal(document);
}

std::string model_with(const std::string& pointer, const ordered_json& value) {
  return with(pointer, value, model_study());
}

/// The product study with this condition of its claim.
std::string with_condition(const char* condition) {
  return with("/claims/0/condition", ordered_json::parse(condition));
}

TEST(StudyFile, ReadsEveryKey) {
  const Study study = study_of(product_study());
  EXPECT_EQ(study.name, "x");
  EXPECT_EQ(study.title, "Scores");
  EXPECT_EQ(study.source, "a paper");
  EXPECT_EQ(study.figures, std::vector<std::string>{"7a"});
  EXPECT_EQ(study.notes, std::vector<std::string>{"a note"});
  ASSERT_EQ(study.axes.size(), 2u);
  EXPECT_EQ(study.axes[0].name, "h");
  EXPECT_EQ(study.axes[0].values, (std::vector<std::int64_t>{512, 1024, 1536, 2048}));
  EXPECT_EQ(study.axes[1].values, (std::vector<std::int64_t>{8, 32}));
  ASSERT_EQ(study.let.size(), 3u);
  EXPECT_EQ(study.let[2].first, "d");
  EXPECT_EQ(study.let[2].second.text(), "h/a");
  ASSERT_TRUE(study.op);
  EXPECT_EQ(study.op->kind, "gemm");
  EXPECT_EQ(study.op->fields.at("batch").formula->text(), "b*a");
  EXPECT_EQ(study.op->fields.at("layout").word, "nt");
  EXPECT_FALSE(study.op->fields.contains("kind"));
  ASSERT_EQ(study.series.size(), 2u);
  EXPECT_FALSE(study.series[0].clocks);
  EXPECT_EQ(study.series[1].clocks, gpu::Clocks::sustained);
  EXPECT_EQ(study.series[1].fields.at("dtype").word, "fp16");
  EXPECT_EQ(study.series[1].launch, measure::Replay::graph);
  EXPECT_EQ(study.chart.x_title, "h");
  EXPECT_EQ(study.chart.color->text(), "a");
  EXPECT_EQ(study.chart.color_title, "a");
  ASSERT_EQ(study.claims.size(), 1u);
  EXPECT_EQ(study.claims[0].tolerance, 0.02);
  EXPECT_EQ(std::get<RatioCondition>(study.claims[0].condition).at_least, 1.1);
}

TEST(StudyFile, AxesAndFormulasKeepTheirOrder) {
  ordered_json document = product_study();
  document["axes"] = {{"z", "1"}, {"h", "1024"}, {"a", "8"}};
  document["let"] = {{"y", "8"}, {"s", "y*y"}, {"d", "s/2"}, {"b", "d"}};
  const Study study = study_of(document);
  EXPECT_EQ(study.axes[0].name, "z");
  EXPECT_EQ(study.axes[2].name, "a");
  EXPECT_EQ(study.let[0].first, "y");
  EXPECT_EQ(study.let[3].first, "b");
  EXPECT_EQ(with("/let", {{"d", "s/2"}, {"s", "8"}, {"b", "4"}}),
            "studies/x.json: key 'let.d' = 's/2': unknown name 's' (known: h, a); did you mean 'h'?");
}

TEST(StudyFile, ReadsAModel) {
  ordered_json document = model_study();
  document["model"]["model"] = "gpt3-2.7b";
  document["model"]["part"] = "QKV Transform";
  document["model"]["sizes"]["parallel_residual"] = true;
  document["model"]["sizes"]["activation"] = "swiglu";
  const Study study = study_of(document);
  ASSERT_TRUE(study.model);
  EXPECT_EQ(study.model->model, "gpt3-2.7b");
  EXPECT_EQ(study.model->part, "QKV Transform");
  EXPECT_EQ(study.model->sizes.at("layers").formula->text(), "2");
  EXPECT_EQ(study.model->sizes.at("parallel_residual").word, "true");
  EXPECT_EQ(study.model->workload.at("sequence").formula->text(), "1024");
  EXPECT_EQ(study.series[1].fields.at("phase").word, "training");
}

TEST(StudyFile, ReadsEveryCondition) {
  ordered_json document = product_study();
  document["claims"] = ordered_json::parse(R"([
    {"id": "1", "text": "t", "condition": {"type": "ordering", "of": {"series": "fp16"}, "by": "a", "direction": "down"}},
    {"id": "2", "text": "t", "condition": {"type": "monotone", "share": 0.8}},
    {"id": "3", "text": "t", "condition": {"type": "period", "period": "64*a", "fall": 0.05}},
    {"id": "4", "text": "t", "condition": {"type": "saturation", "from": 4096, "within": 0.2}},
    {"id": "5", "text": "t", "condition": {"type": "linear", "along": "h"}, "tolerance": 0},
    {"id": "6", "text": "t", "condition": {"type": "ratio", "of": {}, "over": {"series": "fp16"}, "take": "lowest",
                                           "match": "h", "at_least": 0.5, "at_most": 2}}
  ])");
  const std::vector<Claim> claims = study_of(document).claims;
  const auto& ordering = std::get<OrderingCondition>(claims[0].condition);
  EXPECT_EQ(ordering.of.series, "fp16");
  EXPECT_EQ(ordering.direction, Direction::down);
  EXPECT_EQ(std::get<MonotoneCondition>(claims[1].condition).share, 0.8);
  EXPECT_EQ(std::get<MonotoneCondition>(claims[1].condition).direction, Direction::up);
  EXPECT_EQ(std::get<PeriodCondition>(claims[2].condition).period.text(), "64*a");
  EXPECT_EQ(std::get<SaturationCondition>(claims[3].condition).from.value({}), 4096);
  EXPECT_EQ(std::get<LinearCondition>(claims[4].condition).within, 0.05);
  EXPECT_EQ(claims[4].tolerance, 0);
  EXPECT_EQ(std::get<RatioCondition>(claims[5].condition).take, Take::lowest);
}

TEST(StudyFile, ATypoNamesKeyAndNearest) {
  EXPECT_EQ(with("/titl", "x"), "studies/x.json: unknown key 'titl'; did you mean 'title'?");
  EXPECT_EQ(with("/operator/layot", "nt"),
            "studies/x.json: key 'operator.layot' = \"nt\": unknown field of gemm; did you mean 'layout'?");
  EXPECT_EQ(with("/series/1/fields/layot", "nt"),
            "studies/x.json: key 'series[1].fields.layot' = \"nt\": unknown field of gemm; did you mean 'layout'?");
  EXPECT_EQ(with("/series/0/labl", "x"), "studies/x.json: unknown key 'series[0].labl'; did you mean 'label'?");
  EXPECT_EQ(with("/chart/xtitle", "x"), "studies/x.json: unknown key 'chart.xtitle'; did you mean 'x_title'?");
  EXPECT_EQ(with("/claims/0/tolerence", 1),
            "studies/x.json: unknown key 'claims[0].tolerence'; did you mean 'tolerance'?");
  EXPECT_EQ(with("/claims/0/condition/of/were", "1"),
            "studies/x.json: unknown key 'claims[0].condition.of.were'; did you mean 'where'?");
  EXPECT_EQ(model_with("/model/size", 1), "studies/x.json: unknown key 'model.size'; did you mean 'sizes'?");
  EXPECT_EQ(model_with("/model/sizes/hiden", 1),
            "studies/x.json: key 'model.sizes.hiden' = 1: unknown size of a model; did you mean 'hidden'?");
  EXPECT_EQ(model_with("/model/workload/hidden", 1),
            "studies/x.json: key 'model.workload.hidden' = 1: unknown field of a workload");
  EXPECT_EQ(model_with("/series/0/fields", {{"bach", 1}}),
            "studies/x.json: key 'series[0].fields.bach' = 1: unknown field of a model or workload; did you mean "
            "'batch'?");
}

TEST(StudyFile, AnUnknownOperatorOrWordNamesTheChoices) {
  EXPECT_EQ(with("/operator/kind", "gem"),
            "studies/x.json: key 'operator.kind' = \"gem\": expected gemm, grouped_gemm, attention, norm, softmax, "
            "activation, rotary, residual, embedding, cross_entropy, optimizer, pointwise, collective; did you mean "
            "'gemm'?");
  EXPECT_EQ(
      with("/operator/layout", "tt"),
      "studies/x.json: key 'operator.layout' = \"tt\": layout 'tt' is unknown: use nt, nn, tn; did you mean 'nt'?");
  EXPECT_NE(with("/operator/dtype", "bf17").find("did you mean 'bf16'"), std::string::npos);
  EXPECT_NE(with("/operator/dtype", "h").find("key 'operator.dtype' = \"h\""), std::string::npos);
  EXPECT_NE(with("/operator/layout", 3).find("key 'operator.layout' = 3"), std::string::npos);
  EXPECT_NE(with("/series/0/clocks", "brust").find("key 'series[0].clocks' = \"brust\": clocks 'brust' is unknown"),
            std::string::npos);
  EXPECT_NE(with("/series/0/policy", "best").find("key 'series[0].policy' = \"best\": policy 'best' is unknown"),
            std::string::npos);
  EXPECT_EQ(
      with("/chart/y", "tflop"),
      "studies/x.json: key 'chart.y' = \"tflop\": expected tflops, time, bandwidth, time_per_token, slowdown, share; "
      "did you mean "
      "'tflops'?");
  EXPECT_NE(with("/chart/mark", "lines").find("did you mean 'line'?"), std::string::npos);
  EXPECT_NE(
      model_with("/model/model", "gpt3-2.8b").find("no model of that name is built in; did you mean 'gpt3-2.7b'?"),
      std::string::npos);
  EXPECT_NE(model_with("/model/part", "QKV Transforms").find("did you mean 'QKV Transform'?"), std::string::npos);
  EXPECT_NE(
      model_with("/model/workload/phase", "train").find("key 'model.workload.phase' = \"train\": phase = 'train'"),
      std::string::npos);
  for (const char* word : {"attention", "projections", "dtype"})
    EXPECT_NE(model_with(std::string("/model/workload/") + word, "?").find(std::string("key 'model.workload.") + word),
              std::string::npos);
  for (const char* word : {"activation", "positions", "norm", "tied", "bias", "parallel_residual"})
    EXPECT_NE(model_with(std::string("/model/sizes/") + word, "?").find(std::string("key 'model.sizes.") + word),
              std::string::npos);
}

TEST(StudyFile, ANameInAFormulaMustBeThere) {
  EXPECT_EQ(with("/operator/k", "h/heads"),
            "studies/x.json: key 'operator.k' = 'h/heads': unknown name 'heads' (known: h, a, b, s, d)");
  EXPECT_NE(with("/where", "hh > 3").find("key 'where' = 'hh > 3': unknown name 'hh'"), std::string::npos);
  EXPECT_NE(with("/chart/color", "pow2(dd)").find("key 'chart.color' = 'pow2(dd)': unknown name 'dd'"),
            std::string::npos);
  EXPECT_EQ(with("/chart/x", "hidden"), "studies/x.json: key 'chart.x' = \"hidden\": expected h, a, b, s, d");
  EXPECT_NE(with("/series/1/fields/m", "q").find("key 'series[1].fields.m' = 'q': unknown name 'q'"),
            std::string::npos);
  EXPECT_NE(with("/series/1/let", {{"e", "q"}}).find("key 'series[1].let.e' = 'q': unknown name 'q'"),
            std::string::npos);
  EXPECT_NE(with("/claims/0/condition/over/where", "q > 1").find("key 'claims[0].condition.over.where' = 'q > 1'"),
            std::string::npos);
  EXPECT_NE(model_with("/model/sizes/hidden", "q").find("key 'model.sizes.hidden' = 'q': unknown name 'q'"),
            std::string::npos);
  EXPECT_NE(with("/let/d", "h//a").find("key 'let.d' = 'h//a': expected a number, a name or '(' at '/a'"),
            std::string::npos);
}

TEST(StudyFile, ANameOfOneSeriesIsNoNameOfAnother) {
  ordered_json document = product_study();
  document["series"][1]["let"] = {{"t", "2"}};
  document["series"][1]["fields"]["k"] = "d/t";
  EXPECT_EQ(refusal(document), "");
  document["claims"][0]["condition"]["of"] = {{"series", "fp16"}, {"where", "t == 2"}};
  EXPECT_EQ(refusal(document), "");
  document["claims"][0]["condition"]["of"] = {{"where", "t == 2"}};
  EXPECT_NE(refusal(document).find("unknown name 't'"), std::string::npos);
  document = product_study();
  document["series"][1]["let"] = {{"t", "2"}};
  document["operator"]["k"] = "d/t";
  EXPECT_NE(refusal(document).find("key 'operator.k' = 'd/t': unknown name 't'"), std::string::npos);
}

TEST(StudyFile, ASeriesMayBringANameThatAFormulaOfTheStudyUses) {
  ordered_json document = product_study();
  document["let"] = {{"b", "4"}, {"s", "2048"}, {"d", "h/a/t"}};
  for (ordered_json& series : document["series"]) series["let"] = {{"u", "1"}, {"t", "u+1"}};
  EXPECT_EQ(refusal(document), "");
}

TEST(StudyFile, AxesMustHaveValuesAndNames) {
  for (const ordered_json& value : {ordered_json(""), ordered_json("8:1:1"), ordered_json("x"), ordered_json("-3"),
                                    ordered_json("1,,2"), ordered_json(1.5)})
    EXPECT_TRUE(with("/axes/h", value).starts_with("studies/x.json: key 'axes.h' = '"))
        << value << with("/axes/h", value);
  for (const ordered_json& value : {ordered_json::array(), ordered_json(true), ordered_json(nullptr)})
    EXPECT_NE(with("/axes/h", value).find("expected values, as in \"128:4096:128\""), std::string::npos) << value;
  EXPECT_EQ(with("/axes", ordered_json::object()),
            "studies/x.json: key 'axes' = {}: a study sweeps one variable at least");
  EXPECT_NE(with("/axes/2h", "1").find("key 'axes.2h' = \"1\": its key cannot name a variable"), std::string::npos);
  EXPECT_NE(with("/axes/min", "1").find("key 'axes.min'"), std::string::npos);
  EXPECT_NE(with("/let/h", "1").find("key 'let.h' = \"1\": an axis has that name"), std::string::npos);
  EXPECT_NE(with("/let/d-e", "1").find("key 'let.d-e'"), std::string::npos);
  EXPECT_NE(with("/axes/h", "1..1000001").find("more than 1000000 values"), std::string::npos);
  EXPECT_NE(with("/axes/h", "1..300000")
                .find("key 'axes' = {\"a\":\"8,32\",\"h\":\"1..300000\"}: the combinations of "
                      "all series are more than 1000000 points"),
            std::string::npos);
}

TEST(StudyFile, OnceIsEnoughForAValue) {
  ordered_json document = product_study();
  document["axes"]["h"] = "1024,2^9..2^11,1024";
  EXPECT_EQ(study_of(document).axes[0].values, (std::vector<std::int64_t>{1024, 512, 2048}));
  document["axes"]["h"] = 1024;
  EXPECT_EQ(study_of(document).axes[0].values, std::vector<std::int64_t>{1024});
}

TEST(StudyFile, WhatAnOperatorNeedsMustBeThere) {
  EXPECT_EQ(with("/operator/k", nullptr), "studies/x.json: key 'operator.k' = null: it must be given");
  ordered_json document = product_study();
  document["operator"].erase("k");
  EXPECT_EQ(refusal(document), "studies/x.json: key 'series[0]' ('bf16'): gemm needs k");
  document["series"][0]["fields"] = {{"k", "d"}};
  EXPECT_EQ(refusal(document), "studies/x.json: key 'series[1]' ('fp16'): gemm needs k");
  document["series"][1]["fields"]["k"] = "d";
  EXPECT_EQ(refusal(document), "");
  document["operator"].erase("kind");
  EXPECT_EQ(refusal(document), "studies/x.json: key 'operator.kind' is missing: it must be given");
  EXPECT_NE(with("/operator/k", "0").find("key 'operator.k' = \"0\": k = '0': expected a whole number from 1"),
            std::string::npos);
  EXPECT_NE(with("/operator/k", "1/0").find("key 'operator.k' = '1/0': division by zero"), std::string::npos);
  EXPECT_NE(with("/operator/k", 2.5).find("key 'operator.k' = 2.5: expected a whole number"), std::string::npos);
  EXPECT_NE(with("/operator/k", true).find("expected a formula of whole numbers"), std::string::npos);
}

TEST(StudyFile, WhatAModelNeedsMustBeThere) {
  ordered_json document = model_study();
  document["model"]["sizes"].erase("vocab");
  EXPECT_EQ(refusal(document),
            "studies/x.json: key 'series[0]' ('forward'): a model without a preset needs the sizes vocab: state them, "
            "or name a preset");
  document["model"]["model"] = "gpt2";
  EXPECT_EQ(refusal(document), "");
  document["model"].erase("part");
  EXPECT_EQ(refusal(document), "studies/x.json: key 'model.part' is missing: it must be given");
  EXPECT_NE(model_with("/model/workload/cache", 128).find("a cache is for the phase decode only"), std::string::npos);
  EXPECT_NE(model_with("/model/sizes/layers", 0).find("layers = '0': expected a number from 1"), std::string::npos);
  EXPECT_NE(with("/model", model_study()["model"]).find("a study has either an operator or a model"),
            std::string::npos);
  document = product_study();
  document.erase("operator");
  EXPECT_EQ(refusal(document), "studies/x.json: key 'operator' is missing: a study has either an operator or a model");
}

TEST(StudyFile, SeriesAreToldApartByTheirLabels) {
  EXPECT_EQ(with("/series/1/label", "bf16"),
            "studies/x.json: key 'series[1].label' = \"bf16\": another series has it too: give each its own");
  EXPECT_NE(with("/series/1/label", " ").find("expected a text that says something"), std::string::npos);
  EXPECT_NE(with("/series", ordered_json::array()).find("a study has one series at least"), std::string::npos);
  EXPECT_NE(with("/series", nullptr).find("a study has one series at least"), std::string::npos);
  EXPECT_NE(with("/series", "bf16").find("expected a list"), std::string::npos);
  EXPECT_NE(with("/series/0", "bf16").find("key 'series[0]' is string, expected a JSON object"), std::string::npos);
}

TEST(StudyFile, TextsAreThereAndOfOneLine) {
  for (const char* key : {"title", "source"}) {
    ordered_json document = product_study();
    document.erase(key);
    EXPECT_EQ(refusal(document), fmt::format("studies/x.json: key '{}' is missing: it must be given", key));
    EXPECT_NE(with(fmt::format("/{}", key), "").find("expected a text that says something"), std::string::npos);
    EXPECT_NE(with(fmt::format("/{}", key), "a\nb").find("expected a text of one line"), std::string::npos);
    EXPECT_NE(with(fmt::format("/{}", key), 3).find("expected a string"), std::string::npos);
  }
  EXPECT_NE(with("/figures", {"7a", 3}).find("expected a text at figures[1]"), std::string::npos);
  EXPECT_NE(with("/figures", {"7a", "7a"}).find("figures[1] stands there twice"), std::string::npos);
  EXPECT_NE(with("/notes", "one").find("key 'notes' = \"one\": expected a list"), std::string::npos);
  EXPECT_EQ(with("/figures", ordered_json::array()), "");
}

TEST(StudyFile, AChartShowsWhatTheStudyHas) {
  EXPECT_NE(with("/chart/y", "time_per_token").find("an operator has no tokens"), std::string::npos);
  EXPECT_NE(with("/chart/log_x", 1).find("expected true or false"), std::string::npos);
  ordered_json document = product_study();
  document["chart"] = {{"x", "h"}, {"color_title", "heads"}};
  EXPECT_NE(refusal(document).find("there is no color that it would name"), std::string::npos);
  document = product_study();
  document["operator"] = {{"kind", "norm"}, {"rows", "s"}, {"width", "h"}};
  EXPECT_NE(refusal(document).find("no FLOP are counted of norm: use time or bandwidth"), std::string::npos);
  document["chart"]["y"] = "bandwidth";
  EXPECT_EQ(refusal(document), "");
  EXPECT_NE(with("/chart/x", nullptr).find("key 'chart.x' = null"), std::string::npos);
}

TEST(StudyFile, AHeatmapHasRowsAndASlowDownABaseline) {
  const auto with_chart = [](const ordered_json& chart, const ordered_json& baseline) {
    ordered_json document = slowdown_study();
    document["chart"] = chart;
    if (baseline.is_null())
      document.erase("baseline");
    else
      document["baseline"] = baseline;
    return refusal(document);
  };
  const ordered_json map{{"x", "b"}, {"y", "slowdown"}, {"mark", "heatmap"}, {"row", "r"}};
  const ordered_json none{{"r", 0}};
  EXPECT_EQ(with_chart(map, none), "");
  const Study study = study_of(slowdown_study());
  EXPECT_EQ(study.chart.mark, Mark::heatmap);
  EXPECT_EQ(study.chart.row_title, "rank");
  EXPECT_EQ(study.chart.panel_title, "s");
  EXPECT_EQ(study.baseline.front().first, "r");
  EXPECT_NE(with_chart(map, nullptr).find("a slow-down needs a baseline"), std::string::npos);
  EXPECT_NE(with_chart({{"x", "b"}, {"y", "time"}}, none).find("is for slowdown only"), std::string::npos);
  EXPECT_NE(with_chart({{"x", "b"}, {"y", "slowdown"}, {"mark", "heatmap"}}, none).find("a heatmap has rows"),
            std::string::npos);
  EXPECT_NE(with_chart({{"x", "b"}, {"y", "slowdown"}, {"panel", "s"}}, none).find("only a heatmap has it"),
            std::string::npos);
  EXPECT_NE(with_chart(map, {{"rank", 0}}).find("no axis or formula has that name"), std::string::npos);
}

TEST(StudyFile, AnAdapterHasKindAndRank) {
  ordered_json document = slowdown_study();
  document["model"]["sizes"].erase("adapter_rank");
  EXPECT_NE(refusal(document).find("an adapter needs both adapter and adapter_rank"), std::string::npos);
  document["model"]["sizes"]["adapter"] = "houlsbi";
  EXPECT_NE(refusal(document).find("did you mean 'houlsby'"), std::string::npos);
}

TEST(StudyFile, AnImpossibleClaimIsRefused) {
  const std::string place = "studies/x.json: key 'claims[0].condition.";
  struct Case {
    const char* condition;
    const char* problem;
  };
  for (const auto& [condition, problem] : {
           Case{R"({"type": "ration"})", "did you mean 'ratio'?"},
           Case{R"({})", "type' is missing"},
           Case{R"({"type": "ratio", "of": {}, "at_least": 2})", "over' is missing: a ratio needs the points"},
           Case{R"({"type": "ratio", "of": {}, "over": {}, "at_least": 2})", "their ratio is always 1"},
           Case{R"({"type": "ratio", "of": {"series": "bf16", "where": "a == 8"},
                    "over": {"series": "bf16", "where": "a == 8"}, "at_least": 2})",
                "their ratio is always 1"},
           Case{R"({"type": "ratio", "over": {"series": "fp16"}})", "a ratio needs at_least or at_most"},
           Case{R"({"type": "ratio", "over": {"series": "fp16"}, "at_least": 2, "at_most": 1})",
                "no ratio can be over at_most = 1 as well"},
           Case{R"({"type": "ratio", "over": {"series": "fp16"}, "at_least": 0})", "expected a number above 0"},
           Case{R"({"type": "ratio", "over": {"series": "fp16"}, "at_most": -1})", "expected a number above 0"},
           Case{R"({"type": "ratio", "over": {"series": "fp16"}, "at_least": "2"})", "expected a number"},
           Case{R"({"type": "ratio", "over": {"series": "fp17"}, "at_least": 2})", "did you mean 'fp16'?"},
           Case{R"({"type": "ratio", "over": {"series": "fp16"}, "at_least": 2, "take": "max"})",
                "expected median, mean, lowest, highest"},
           Case{R"({"type": "ratio", "over": {"series": "fp16"}, "at_least": 2, "match": "3"})", "names no variable"},
           Case{R"({"type": "ratio", "over": {"series": "fp16"}, "atleast": 2})", "did you mean 'at_least'?"},
           Case{R"({"type": "ratio", "over": "fp16", "at_least": 2})", "expected a JSON object"},
           Case{R"({"type": "ordering"})", "by' is missing"},
           Case{R"({"type": "ordering", "by": "1"})", "names no variable"},
           Case{R"({"type": "ordering", "by": "q"})", "unknown name 'q'"},
           Case{R"({"type": "ordering", "by": "a", "direction": "upward"})", "expected up, down"},
           Case{R"({"type": "ordering", "by": "a", "share": 1})", "unknown key"},
           Case{R"({"type": "monotone", "share": 0})", "expected a share above 0 and of at most 1"},
           Case{R"({"type": "monotone", "share": 1.1})", "expected a share above 0 and of at most 1"},
           Case{R"({"type": "monotone", "share": "most"})", "expected a number"},
           Case{R"({"type": "period"})", "period' is missing"},
           Case{R"({"type": "period", "period": 0})", "expected a number from 1"},
           Case{R"({"type": "period", "period": "64", "fall": -0.1})", "expected a share above 0"},
           Case{R"({"type": "saturation"})", "from' is missing"},
           Case{R"({"type": "saturation", "from": "h", "within": 2})", "expected a share above 0"},
           Case{R"({"type": "linear", "along": 5})", "names no variable"},
           Case{R"({"type": "linear", "along": "h", "within": 0})", "expected a share above 0"},
       }) {
    const std::string told = with_condition(condition);
    EXPECT_NE(told.find(problem), std::string::npos) << condition << "\n" << told;
    EXPECT_NE(told.find("claims[0].condition."), std::string::npos) << condition << "\n" << told;
  }
  EXPECT_NE(with("/claims/0/tolerance", -0.1).find("key 'claims[0].tolerance' = -0.1: expected a share from 0"),
            std::string::npos);
  EXPECT_NE(with("/claims/0/tolerance", 1).find("expected a share from 0 and below 1"), std::string::npos);
  EXPECT_NE(with("/claims/0/id", "a b").find("key 'claims[0].id' = \"a b\""), std::string::npos);
  EXPECT_NE(with("/claims/0/text", nullptr).find("key 'claims[0].text'"), std::string::npos);
  ordered_json document = product_study();
  document["claims"].push_back(document["claims"][0]);
  EXPECT_NE(refusal(document).find("key 'claims[1].id' = \"aligned\": another claim has it too"), std::string::npos);
}

TEST(StudyFile, WhatIsNoStudyIsRefused) {
  for (const char* text : {"", "{", "[]", "3", "null", "\"a\"", "{\"title\": \"x\"}", "{} {}"})
    EXPECT_TRUE(error_of([&] { study_from_json(text, "x", "studies/x.json"); }).starts_with("studies/x.json: "))
        << text;
  std::string twice = product_study().dump();
  twice.insert(1, "\"title\": \"other\",");
  EXPECT_EQ(error_of([&] { study_from_json(twice, "x", "studies/x.json"); }),
            "studies/x.json: key 'title' stands twice in one object");
}

TEST(StudyFile, EveryValueOfAnotherTypeIsAnErrorOfOneLine) {
  const std::vector<ordered_json> values{
      nullptr, true, -1, 1e300, "", "nonsense(", ordered_json::array({1}), ordered_json{{"x", 1}}};
  for (const ordered_json& valid : {product_study(), model_study()}) {
    const ordered_json flat = valid.flatten();
    for (const auto& [pointer, was] : flat.items())
      for (const ordered_json& value : values) {
        ordered_json document = valid;
        document[ordered_json::json_pointer(pointer)] = value;
        const std::string told = refusal(document);  // no other exception, and nothing undefined
        EXPECT_TRUE(told.empty() || told.starts_with("studies/x.json: ")) << pointer << ": " << told;
      }
  }
}

TEST(LoadStudy, ByNameOrPath) {
  const Scratch scratch;
  EXPECT_EQ(load_study(scratch.write("mine.json", product_study().dump())).name, "mine");
  EXPECT_NE(error_of([&] { load_study(scratch.path("other.json")); }).find("no such file"), std::string::npos);
  EXPECT_NE(error_of([] { load_study("no such study at all"); }).find("study 'no such study at all' is unknown"),
            std::string::npos);
  ASSERT_FALSE(study_names().empty());
  const std::string first = study_names().front();
  EXPECT_NE(error_of([&] { load_study(first + "x"); }).find("did you mean '" + first + "'?"), std::string::npos);
}

TEST(LoadStudy, EveryFileOfTheRepositoryIsAStudyOfItsName) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GEMMETRY_SOURCE_DIR "/data/studies"))
    files += entry.path().extension() == ".json";
  EXPECT_EQ(study_names().size(), files);
  for (const std::string& name : study_names()) EXPECT_EQ(load_study(name).name, name);
}

}  // namespace
}  // namespace gemmetry::study
