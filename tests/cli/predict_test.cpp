#include <gtest/gtest.h>

#include <sstream>

#include "cli/program.h"

namespace gemmetry::cli {
namespace {

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) result.push_back(line);
  return result;
}

Result predict(const std::string& kind, const std::string& csv, const std::string& more = "") {
  const Scratch scratch;
  return gemmetry("predict " + kind + " --from " + scratch.write("in.csv", csv) + " " + more);
}

TEST(Predict, AnswersEachRowInOrderWithTheInputColumns) {
  const Result result = predict("gemm", "batch,m,n,k,note\n1,8192,7680,2560,\"a, b\"\n128,2048,2048,80,x\n");
  ASSERT_EQ(result.code, 0) << result.err;
  const auto rows = lines(result.out);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0], "batch,m,n,k,note,time_s,time_low_s,time_high_s,reason");
  EXPECT_TRUE(rows[1].starts_with("1,8192,7680,2560,\"a, b\","));
  EXPECT_TRUE(rows[2].starts_with("128,2048,2048,80,x,"));
}

TEST(Predict, JsonHasNumbersAndOrderedIntervals) {
  const Result result =
      predict("gemm", "m,n,k,dtype,layout\n8192,8192,8192,fp16,tn\n64,64,64,bf16,nt\n", "--format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const auto rows = result.json().at("rows");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].at("m"), 8192);
  EXPECT_EQ(rows[0].at("layout"), "tn");
  for (const auto& row : rows) {
    EXPECT_LT(row.at("time_low_s"), row.at("time_s"));
    EXPECT_LT(row.at("time_s"), row.at("time_high_s"));
    EXPECT_FALSE(row.at("reason").get<std::string>().empty());
  }
  EXPECT_GT(rows[0].at("time_s"), rows[1].at("time_s"));
}

TEST(Predict, ReadsTheCsvThatPeopleHave) {
  const std::string plain = predict("gemm", "m,n,k\n512,512,512\n").out;
  EXPECT_EQ(predict("gemm", "\xEF\xBB\xBFm,n,k\r\n512,512,512\r\n").out, plain);  // byte-order mark, CRLF
  EXPECT_EQ(predict("gemm", "\nm, n ,k\n\n 512,\"512\",512\n\n").out, plain);     // blanks, quotes, empty lines
  EXPECT_EQ(predict("gemm", "m,n,k\n512,512,512").out, plain);                    // no end of line at the end
  EXPECT_EQ(predict("gemm", "m,n,k\n5.12e2,512.0,512\n").out, plain);             // numbers as spreadsheets write them
}

TEST(Predict, ReadsStandardInput) {
  const Scratch scratch;
  const std::string file = scratch.write("in.csv", "m,n,k\n512,512,512\n");
  EXPECT_EQ(gemmetry("predict gemm --from - <" + file).out, gemmetry("predict gemm --from " + file).out);
}

TEST(Predict, AHeadingWithoutRowsIsAnEmptyAnswer) {
  const Result result = predict("gemm", "m,n,k\n");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(lines(result.out).size(), 1u);
}

TEST(Predict, CarriesAMeasuredTimeAlong) {
  const Result result = predict("gemm", "m,n,k,time_s\n512,512,512,1e-5\n");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(result.out.starts_with("m,n,k,input_time_s,time_s,"));
}

TEST(Predict, KnowsEveryKindOfOperator) {
  const std::pair<const char*, const char*> kinds[] = {
      {"grouped_gemm", "experts,m,n,k\n8,16384,14336,4096\n"},
      {"attention", "batch,queries,keys,heads,kv_heads,head_dim\n4,2048,2048,32,8,128\n"},
      {"norm", "rows,width,norm\n8192,4096,rms_norm\n"},
      {"softmax", "rows,columns\n8192,2048\n"},
      {"activation", "rows,width,function,gated\n8192,11008,silu,true\n"},
      {"rotary", "tokens,heads,dim\n8192,40,128\n"},
      {"residual", "rows,width\n8192,4096\n"},
      {"embedding", "tokens,width\n8192,4096\n"},
      {"cross_entropy", "rows,vocab\n8192,32000\n"},
      {"optimizer", "parameters\n2.7e9\n"},
      {"pointwise", "function,elements\ncast,1e6\n"},
      {"collective", "collective,ranks,size_bytes\nall_reduce,8,1e8\n"},
  };
  for (const auto& [kind, csv] : kinds) {
    const Result result = predict(kind, csv, "--format json");
    ASSERT_EQ(result.code, 0) << kind << ": " << result.err;
    EXPECT_GT(result.json().at("rows").at(0).at("time_s"), 0) << kind;
  }
}

TEST(Predict, AttentionWithoutKvHeadsHasAsManyAsHeads) {
  const std::string head = "batch,queries,keys,heads,head_dim";
  const auto time = [](const Result& result) { return result.json().at("rows").at(0).at("time_s").get<double>(); };
  EXPECT_EQ(time(predict("attention", head + "\n4,512,512,32,64\n", "--format json")),
            time(predict("attention", head + ",kv_heads,value_dim\n4,512,512,32,64,32,64\n", "--format json")));
}

TEST(Predict, BadRowsNameFileLineColumnAndValue) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"m,n,k\n1,2,3\n1,two,3\n", "in.csv:3: column 'n': n = 'two'"},
      {"m,n,k\n1,2,0\n", "in.csv:2: column 'k': k = '0'"},
      {"m,n,k\n1,2\n", "in.csv:2: 2 cells under 3 columns"},
      {"m,n\n1,2\n", "column 'k' is missing"},
      {"m,nn,k\n1,2,3\n", "column 'n' is missing"},
      {"m,n,k,dtipe\n1,2,3,bf16\n", "did you mean 'dtype'?"},
      {"m,n,k,dtype\n1,2,3,bf15\n", "in.csv:2: column 'dtype'"},
      {"m,n,k,m\n1,2,3,4\n", "column 'm' is there twice"},
      {"m,n,k\n1,\"2,3\n", "never closed"},
      {"m,n,k\n1e15,1e15,1e15\n", "in.csv:2: "},
      {"", "no heading"},
      {"\n\n", "no heading"},
  };
  for (const auto& [csv, says] : mistakes) {
    const Result result = predict("gemm", csv);
    EXPECT_EQ(result.code, 2) << csv;
    EXPECT_TRUE(result.one_line_of_error()) << csv << result.err;
    EXPECT_NE(result.err.find(says), std::string::npos) << csv << result.err;
    EXPECT_EQ(result.out, "") << csv;
  }
}

TEST(Predict, AHundredThousandRowsAreAnswered) {
  const Scratch scratch;
  std::string csv = "batch,m,n,k\n";
  for (int i = 0; i < 100000; ++i) csv += "1," + std::to_string(1 + i) + "," + std::to_string(64 + i % 977) + ",4096\n";
  const Result result = gemmetry("predict gemm --from " + scratch.write("in.csv", csv));
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(lines(result.out).size(), 100001u);
}

}  // namespace
}  // namespace gemmetry::cli
