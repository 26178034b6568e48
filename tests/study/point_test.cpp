#include "gemmetry/study/point.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <set>

#include "gemmetry/op/lower.h"
#include "gemmetry/shape/edit.h"
#include "gemmetry/shape/import.h"
#include "study/studies.h"

namespace gemmetry::study {
namespace {

using nlohmann::ordered_json;

std::vector<Point> points_of(const ordered_json& document, op::Dtype dtype = op::Dtype::bf16) {
  return points_of(study_of(document), dtype);
}

std::string refusal(const ordered_json& document) {
  return error_of([&] { points_of(document); });
}

const op::Operator& only(const Point& point) {
  EXPECT_EQ(point.work.size(), 1u);
  EXPECT_EQ(point.work.front().count, 1);
  return point.work.front().op;
}

double flop_of(const Point& point) {
  double sum = 0;
  for (const CountedOperator& one : point.work) sum += one.count * op::flop(one.op);
  return sum;
}

TEST(Points, AreAllCombinationsTheLastAxisFastest) {
  const std::vector<Point> points = points_of(product_study());
  // h = 512, a = 32 has heads of 16, which `where` leaves out.
  ASSERT_EQ(points.size(), 2 * 7u);
  EXPECT_EQ(points[0].x, 512);
  EXPECT_EQ(points[0].color, 8);
  EXPECT_EQ(points[1].x, 1024);
  EXPECT_EQ(points[1].color, 8);
  EXPECT_EQ(points[2].color, 32);
  EXPECT_EQ(points[2].variables, (Variables{{"h", 1024}, {"a", 32}, {"b", 4}, {"s", 2048}, {"d", 32}}));
  const op::Gemm expected{.batch = 128, .m = 2048, .n = 2048, .k = 32, .layout = op::Layout::nt};
  EXPECT_EQ(only(points[2]), op::Operator(expected));
  EXPECT_EQ(points[2].tokens, 0);
  EXPECT_EQ(points[6].series, 0u);
  EXPECT_EQ(points[7].series, 1u);
}

TEST(Points, ASeriesFieldsGoOverTheOperators) {
  const std::vector<Point> points = points_of(product_study(), op::Dtype::fp32);
  EXPECT_EQ(std::get<op::Gemm>(only(points[0])).dtype, op::Dtype::fp32);
  EXPECT_EQ(std::get<op::Gemm>(only(points[7])).dtype, op::Dtype::fp16);
  ordered_json document = product_study();
  document["series"][1]["fields"] = {{"k", "2*d"}, {"layout", "tn"}};
  const op::Gemm gemm = std::get<op::Gemm>(only(points_of(document)[7]));
  EXPECT_EQ(gemm.k, 2 * 64);
  EXPECT_EQ(gemm.layout, op::Layout::tn);
  EXPECT_EQ(gemm.dtype, op::Dtype::bf16);
}

TEST(Points, ASeriesFormulasGoOverTheStudysInTheirPlace) {
  ordered_json document = product_study();
  document["series"][1]["let"] = {{"s", "1024"}, {"e", "d+s"}};
  document["series"][1]["fields"] = {{"n", "e"}};
  const Point point = points_of(document)[7];
  EXPECT_EQ(point.variables.at("s"), 1024);
  EXPECT_EQ(point.variables.at("e"), 64 + 1024);
  EXPECT_EQ(std::get<op::Gemm>(only(point)).m, 1024);
  EXPECT_EQ(std::get<op::Gemm>(only(point)).n, 1088);
}

TEST(Points, ASeriesMayHoldAnAxisStillOrMoveIt) {
  ordered_json document = product_study();
  document["series"] = ordered_json::parse(R"([{"label": "held", "let": {"a": "8"}}])");
  std::vector<Point> points = points_of(document);
  ASSERT_EQ(points.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(points[i].x, 512 * static_cast<std::int64_t>(i + 1));
  document["series"] = ordered_json::parse(R"([{"label": "moved", "let": {"h": "h + 64"}}])");
  points = points_of(document);
  ASSERT_EQ(points.size(), 7u);
  EXPECT_EQ(points[0].x, 576);
  EXPECT_EQ(points[1].x, 1088);
  EXPECT_EQ(points[2].x, 1088);
  EXPECT_EQ(points[2].variables.at("d"), 34);
  EXPECT_EQ(points[6].x, 2112);
}

TEST(Points, ASeriesOwnNameStandsBeforeItsFirstUse) {
  ordered_json document = product_study();
  document["let"] = {{"b", "4"}, {"s", "2048"}, {"d", "h/a/t"}};
  document["series"][0]["let"] = {{"u", "1"}, {"t", "u"}};
  document["series"][1]["let"] = {{"u", "1"}, {"t", "u+1"}};
  const std::vector<Point> points = points_of(document);
  EXPECT_EQ(points.front().variables.at("d"), 64);
  EXPECT_EQ(points.back().variables.at("d"), 2048 / 32 / 2);
}

TEST(Points, AnAttentionFollowsItsHeadsAndQueries) {
  ordered_json document = product_study();
  document["operator"] = {{"kind", "attention"}, {"batch", "b"},    {"queries", "s"},
                          {"heads", "a"},        {"head_dim", "d"}, {"causal", false}};
  document["series"] = ordered_json::parse(R"([{"label": "all"}, {"label": "shared", "fields": {"kv_heads": "4"}}])");
  const std::vector<Point> points = points_of(document);
  const auto attention = std::get<op::Attention>(only(points[0]));
  EXPECT_EQ(attention.keys, 2048);
  EXPECT_EQ(attention.kv_heads, 8);
  EXPECT_EQ(attention.value_dim, 64);
  EXPECT_FALSE(attention.causal);
  EXPECT_EQ(std::get<op::Attention>(only(points[7])).kv_heads, 4);
}

TEST(Points, FieldsThatAreNoWholeNumbers) {
  ordered_json document = product_study();
  document["operator"] = {{"kind", "pointwise"}, {"elements", "s*h"}, {"read_bytes", 0.5}, {"write_bytes", "a"}};
  document["series"] = ordered_json::parse(R"([{"label": "all"}])");
  document["chart"] = {{"x", "h"}, {"y", "bandwidth"}};
  const auto pointwise = std::get<op::Pointwise>(only(points_of(document)[0]));
  EXPECT_EQ(pointwise.elements, 2048 * 512);
  EXPECT_EQ(pointwise.read_bytes, 0.5);
  EXPECT_EQ(pointwise.write_bytes, 8);
}

TEST(Points, AnImpossibleOneNamesStudySeriesAndVariables) {
  ordered_json document = product_study();
  document.erase("where");
  document["let"]["d"] = "h/a - 16";
  EXPECT_EQ(refusal(document),
            "study x, series 'bf16' at h = 512, a = 32, b = 4, s = 2048, d = 0: k = '0': expected a whole number from "
            "1, as in 2048 or 2.7e9");
  document["axes"]["a"] = "32";
  document["let"]["d"] = "h/(a-32)";
  EXPECT_EQ(refusal(document),
            "study x, series 'bf16' at h = 512, a = 32, b = 4, s = 2048: studies/x.json: key 'let.d' = 'h/(a-32)': "
            "division by zero");
  document["let"]["d"] = "2^50";
  EXPECT_NE(refusal(document).find("the sizes of this gemm are too large"), std::string::npos);
  document = product_study();
  document["where"] = "d > 9999";
  EXPECT_EQ(refusal(document), "study x, series 'bf16': no point is left by where = 'd > 9999'");
}

TEST(Points, OfALayerAreItsStepsEqualOnesOnce) {
  const std::vector<Point> points = points_of(model_study());
  ASSERT_EQ(points.size(), 4u);
  const double tokens = 4 * 1024, h = 1024, s = 1024;
  EXPECT_EQ(points[0].tokens, tokens);
  // 24 b s h^2 of the products and half of 4 b s^2 h, as the mask is causal (and the diagonal is seen).
  EXPECT_DOUBLE_EQ(flop_of(points[0]), 24 * tokens * h * h + 4 * tokens * h * (s + 1) / 2);
  EXPECT_GT(flop_of(points[2]), 2.9 * flop_of(points[0]));
  for (const Point& point : points) {
    std::set<std::size_t> seen;
    for (const CountedOperator& one : point.work) EXPECT_TRUE(seen.insert(op::hash(one.op)).second);
  }
  // Two norms and two additions of one layer are equal.
  double norms = 0;
  for (const CountedOperator& one : points[0].work)
    if (std::holds_alternative<op::Norm>(one.op)) norms += one.count;
  EXPECT_EQ(norms, 2);
}

TEST(Points, OfAModelAreWhatItIsLoweredTo) {
  ordered_json document = model_study();
  document["model"] = {{"model", "gpt3-2.7b"},
                       {"workload", {{"batch", 2}, {"sequence", 1024}, {"attention", "unfused"}}},
                       {"part", "model"}};
  document["series"] =
      ordered_json::parse(R"([{"label": "forward"}, {"label": "training", "fields": {"phase": "training"}}])");
  const std::vector<Point> points = points_of(document);
  for (const Point& point : points) {
    shape::Workload workload;
    workload.batch = 2;
    workload.sequence = 1024;
    workload.attention = shape::AttentionKind::unfused;
    if (point.series == 1) workload.phase = shape::Phase::training;
    op::Program program;
    op::lower(shape::preset("gpt3-2.7b"), workload, program);
    double flop = 0, bytes = 0, counted_bytes = 0, runs = 0, counted_runs = 0;
    for (std::size_t i = 0; i < program.steps().size(); ++i) {
      const auto count = static_cast<double>(program.count(i));
      flop += count * op::flop(program.steps()[i].op);
      bytes += count * op::bytes(program.steps()[i].op);
      runs += count;
    }
    for (const CountedOperator& one : point.work) {
      counted_bytes += one.count * op::bytes(one.op);
      counted_runs += one.count;
    }
    EXPECT_NEAR(flop_of(point) / flop, 1, 1e-12);
    EXPECT_NEAR(counted_bytes / bytes, 1, 1e-12);
    EXPECT_EQ(counted_runs, runs);
    EXPECT_LT(point.work.size(), program.steps().size());
  }
}

TEST(Points, OfAModuleAreThoseOfOneLayerOrOfTheModel) {
  ordered_json document = model_study();
  document["axes"] = {{"h", "1024"}};
  document["model"]["part"] = "QKV Transform";
  std::vector<Point> points = points_of(document);
  EXPECT_EQ(std::get<op::Gemm>(only(points[0])).n, 3 * 1024);
  ASSERT_EQ(points[1].work.size(), 3u) << "in training also both gradients";
  document["model"]["part"] = "Linear Output";
  points = points_of(document);
  EXPECT_EQ(std::get<op::Gemm>(only(points[0])).n, 50304);
  document["model"]["part"] = "Optimizer";
  EXPECT_EQ(refusal(document),
            "study x, series 'forward' at h = 1024, a = 16: part 'Optimizer': no such operator runs in this model and "
            "workload");
  document["series"].erase(0);
  points = points_of(document);
  ASSERT_FALSE(points[0].work.empty());
  EXPECT_TRUE(std::holds_alternative<op::Optimizer>(points[0].work[0].op));
}

TEST(Points, WithoutFlopHaveNoThroughput) {
  ordered_json document = model_study();
  document["model"]["part"] = "Layer Norm 1";
  EXPECT_EQ(refusal(document), "");
  document["chart"]["y"] = "tflops";
  EXPECT_EQ(refusal(document),
            "study x, series 'forward': no FLOP are counted of what it runs, so that it has no TFLOP/s: chart time or "
            "bandwidth");
}

TEST(Points, OfAModelFollowSizesWordsAndSplit) {
  ordered_json document = model_study();
  document["axes"] = {{"t", "1,2,4"}};
  document["let"] = {{"h", "1024"}, {"a", "16"}};
  document["chart"]["x"] = "t";
  document["model"]["workload"]["tensor_parallel"] = "t";
  document["model"]["part"] = "MLP h to 4h";
  document["model"]["sizes"]["activation"] = "swiglu";
  document["model"]["sizes"]["ffn"] = "round_up(8*h/3, 128)";
  document["series"] = ordered_json::parse(R"([{"label": "all"}, {"label": "half", "fields": {"ffn": "1024"}}])");
  const std::vector<Point> points = points_of(document, op::Dtype::fp16);
  const auto gemm = std::get<op::Gemm>(points[2].work[0].op);
  EXPECT_EQ(gemm.dtype, op::Dtype::fp16);
  EXPECT_EQ(gemm.n, 2 * 2816 / 4);
  EXPECT_EQ(std::get<op::Gemm>(points[5].work[0].op).n, 2 * 1024 / 4);
  document["axes"]["t"] = "1,3";
  const std::string told = refusal(document);
  EXPECT_TRUE(told.starts_with("study x, series 'all' at t = 3, h = 1024, a = 16: 16 heads cannot be divided over 3"))
      << told;
}

TEST(Points, ADecodedTokenSeesACacheAsLongAsTheSequence) {
  ordered_json document = model_study();
  document["axes"] = {{"h", "1024"}};
  document["model"]["part"] = "Attention";
  document["model"]["workload"]["phase"] = "decode";
  document["series"] = ordered_json::parse(R"([{"label": "all"}, {"label": "short", "fields": {"cache": "127"}}])");
  const std::vector<Point> points = points_of(document);
  EXPECT_EQ(std::get<op::Attention>(points[0].work[0].op).keys, 1025);
  EXPECT_EQ(std::get<op::Attention>(points[1].work[0].op).keys, 128);
  EXPECT_EQ(points[0].tokens, 4);
}

TEST(Points, OfASlowDownHaveTheWorkOfTheirBaseline) {
  const std::vector<Point> points = points_of(slowdown_study());
  ASSERT_EQ(points.size(), 2u * 2 * 3 * 3);
  const Point& without = points[1];  // s 128, r 0, b 2
  const Point& with = points[4];     // r 8
  EXPECT_EQ(with.row, 8);
  EXPECT_EQ(with.panel, 128);
  EXPECT_EQ(with.variables.at("b"), 2);
  EXPECT_NE(flop_of(with), flop_of(without));
  ASSERT_EQ(with.baseline.size(), without.work.size());
  for (std::size_t i = 0; i < with.baseline.size(); ++i) EXPECT_EQ(with.baseline[i].op, without.work[i].op);
  EXPECT_EQ(line_key(with), line_key(points[3]));
  EXPECT_NE(line_key(with), line_key(without));
  EXPECT_TRUE(points_of(model_study()).front().baseline.empty());
}

TEST(Points, ABaselineMaySetAFormula) {
  ordered_json document = slowdown_study();
  document["let"] = {{"wide", "round_up(r, 8)"}, {"twice", "2*wide"}};
  document["model"]["sizes"]["adapter_rank"] = "twice";
  document["baseline"] = {{"wide", 0}};
  const std::vector<Point> points = points_of(document);
  EXPECT_EQ(points[4].variables.at("twice"), 16);
  EXPECT_EQ(points[4].baseline.size(), points[1].work.size());
}

TEST(Points, OfEveryStudyOfTheRepositoryCanBeMade) {
  for (const std::string& name : study_names()) {
    const Study study = load_study(name);
    std::set<std::size_t> series;
    for (const Point& point : study::points_of(study)) {
      series.insert(point.series);
      EXPECT_FALSE(point.work.empty());
    }
    EXPECT_EQ(series.size(), study.series.size()) << name;
  }
}

TEST(Points, AHundredThousandTakeNoTime) {
  ordered_json document = product_study();
  document["axes"] = {{"h", "64:800000:64"}, {"a", "1,2,4,8"}};
  document.erase("where");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(points_of(document).size(), 2 * 4 * 12500u);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(took.count(), 5) << "well under a second on a machine that does nothing else";
}

/// Points of one series with these x, colour by colour.
std::vector<Point> sweep(std::size_t series, const std::map<std::int64_t, std::size_t>& colors) {
  std::vector<Point> points;
  for (const auto& [color, count] : colors)
    for (std::size_t i = 0; i < count; ++i) {
      Point point;
      point.series = series;
      point.color = color;
      point.x = static_cast<std::int64_t>(i);
      points.push_back(point);
    }
  return points;
}

std::map<std::int64_t, std::vector<std::int64_t>> by_color(const std::vector<Point>& points) {
  std::map<std::int64_t, std::vector<std::int64_t>> all;
  for (const Point& point : points) all[point.color].push_back(point.x);
  return all;
}

TEST(Thinned, StaysAsItIsWhenThereIsNoMore) {
  const std::vector<Point> points = sweep(0, {{0, 10}});
  EXPECT_EQ(thinned(points, 10).size(), 10u);
  EXPECT_EQ(thinned(points, 1000).size(), 10u);
  EXPECT_TRUE(thinned({}, 5).empty());
}

TEST(Thinned, IsEvenWithBothEnds) {
  EXPECT_EQ(by_color(thinned(sweep(0, {{0, 11}}), 6))[0], (std::vector<std::int64_t>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(by_color(thinned(sweep(0, {{0, 101}}), 5))[0], (std::vector<std::int64_t>{0, 25, 50, 75, 100}));
  EXPECT_EQ(by_color(thinned(sweep(0, {{0, 50}}), 2))[0], (std::vector<std::int64_t>{0, 49}));
  EXPECT_EQ(by_color(thinned(sweep(0, {{0, 50}}), 0))[0], (std::vector<std::int64_t>{0, 49})) << "two at least";
}

TEST(Thinned, GivesEveryColourItsShare) {
  auto kept = by_color(thinned(sweep(0, {{8, 100}, {16, 50}, {64, 2}}), 20));
  EXPECT_EQ(kept[8].size() + kept[16].size() + kept[64].size(), 20u);
  EXPECT_GE(kept[64].size(), 1u);
  EXPECT_NEAR(static_cast<double>(kept[8].size()) / static_cast<double>(kept[16].size()), 2, 0.4);
  EXPECT_EQ(kept[8].front(), 0);
  EXPECT_EQ(kept[8].back(), 99);
  // More colours than points: as many colours as fit.
  kept = by_color(thinned(sweep(0, {{1, 5}, {2, 5}, {3, 5}, {4, 5}, {5, 5}}), 3));
  EXPECT_EQ(kept.size(), 3u);
  EXPECT_TRUE(kept.contains(1) && kept.contains(3) && kept.contains(5));
}

TEST(Thinned, CountsEachSeriesAndKeepsTheOrder) {
  std::vector<Point> points = sweep(0, {{0, 100}});
  for (const Point& point : sweep(1, {{0, 7}})) points.push_back(point);
  const std::vector<Point> kept = thinned(points, 10);
  ASSERT_EQ(kept.size(), 17u);
  for (std::size_t i = 1; i < kept.size(); ++i) {
    EXPECT_GE(kept[i].series, kept[i - 1].series);
    if (kept[i].series == kept[i - 1].series) EXPECT_GT(kept[i].x, kept[i - 1].x);
  }
}

TEST(Thinned, NeverKeepsMoreNorOnePointTwice) {
  for (std::size_t a = 1; a < 30; a += 4)
    for (std::size_t b = 1; b < 30; b += 5)
      for (std::size_t most = 2; most < 60; most += 3) {
        const std::vector<Point> points = sweep(0, {{1, a}, {2, b}, {3, 3}});
        const std::vector<Point> kept = thinned(points, most);
        EXPECT_EQ(kept.size(), std::min(points.size(), most)) << a << " " << b << " " << most;
        std::set<std::pair<std::int64_t, std::int64_t>> distinct;
        for (const Point& point : kept) distinct.insert({point.color, point.x});
        EXPECT_EQ(distinct.size(), kept.size());
      }
}

}  // namespace
}  // namespace gemmetry::study
