#include <gtest/gtest.h>

#include <utility>

#include "cli/measuring.h"

namespace gemmetry::cli {
namespace {

TEST(Measuring, MistakesAreOneLineAndExitTwo) {
  const Scratch scratch;
  const std::string no_database = scratch.write("no.db", "this is no database, however long it may be............");
  const std::string no_table =
      scratch.write("no.json", "{\"format\": \"gemmetry tuning table\", \"version\": 1, \"entries\"");
  const std::string wrong_table =
      scratch.write("wrong.json", "{\"format\": \"gemmetry tuning table\", \"version\": 1, \"entris\": []}");
  const std::string empty = scratch.write("empty.csv", ""), heading = scratch.write("heading.csv", "m,n,k\n");
  const std::string wrong = scratch.write("wrong.csv", "m,n,k\n8,8,8\n8,x,8\n");
  const std::string gemm = "measure gemm --m 8 --n 8 --k 8";
  const std::string cpu = " --device cpu --db " + scratch.path("a.db");
  const std::pair<std::string, std::string> mistakes[] = {
      {"measure", "gemm"},
      {"measure gem", "did you mean 'gemm'?"},
      {"measure collective", "measure"},
      {"tune", "model"},
      {"tune gemn", "did you mean 'gemm'?"},
      {"tune gemm --m 8", "--n, --k"},
      {"tune model" + cpu, "no model"},
      {gemm + " --device cude" + cpu.substr(13), "did you mean 'cuda'?"},
      {gemm + " --device cuda:x" + cpu.substr(13), "'x'"},
      {"measure gemm" + cpu, "--m, --n, --k"},
      {"measure gemm --m 8" + cpu, "--n, --k"},
      {"measure gemm --m 8:4:1 --n 8 --k 8" + cpu, "m = '8:4:1'"},
      {"measure gemm --m 8: --n 8 --k 8" + cpu, "m = '8:'"},
      {"measure gemm --m 2^9.. --n 8 --k 8" + cpu, "m = '2^9..'"},
      {"measure gemm --m 0 --n 8 --k 8" + cpu, "m = '0'"},
      {"measure gemm --m 1..1e9 --n 8 --k 8" + cpu, "more than"},
      {"measure gemm --m 8 --m 16 --n 8 --k 8" + cpu, "--m"},
      {"measure attention --batch 1 --queries 4.. --heads 2 --head-dim 8" + cpu, "queries = '4..'"},
      {"measure attention --batch 1 --queries 4 --queries 8 --heads 2 --head-dim 8" + cpu, "--queries"},
      {gemm + " --dtyp bf16" + cpu, "did you mean '--dtype'?"},
      {gemm + " --dtype bf61" + cpu, "bf61"},
      {gemm + " --layout nt,xx" + cpu, "xx"},
      {gemm + " sizes.csv" + cpu, "@sizes.csv"},
      {gemm + " @" + heading + cpu, "not both"},
      {"measure gemm @" + empty + cpu, "empty.csv:1: there is no heading line"},
      {"measure gemm @" + heading + cpu, "heading.csv: has no rows"},
      {"measure gemm @" + wrong + cpu, "wrong.csv:3: column 'n': n = 'x'"},
      {"measure gemm @/no/such.csv" + cpu, "/no/such.csv: cannot be read"},
      {"measure gemm @/" + cpu, "directory"},
      {"measure gemm @" + cpu, "@"},
      {gemm + cpu + " --share 3/2", "--share = '3/2'"},
      {gemm + cpu + " --share 0/2", "--share"},
      {gemm + cpu + " --share half", "--share = 'half'"},
      {gemm + cpu + " --takes 0", "--takes = '0'"},
      {gemm + cpu + " --takes 1e9", "--takes = 1000000000: makes more than"},
      {gemm + cpu + " --time-budget soon", "--time-budget = 'soon'"},
      {gemm + cpu + " --precision x", "--precision = 'x'"},
      {gemm + cpu + " --precision 0", "--precision = '0': expected per cent from 0.01 to 50"},
      {gemm + cpu + " --precision 200%", "--precision = '200%'"},
      {gemm + cpu + " --clocks turbo", "--clocks"},
      {gemm + " --device cpu --db " + no_database, "no.db"},
      {gemm + " --device cpu --db /no/such/folder/a.db", "/no/such/folder"},
      {gemm + cpu + " --algorithm tuned", "tuning.json"},
      {gemm + cpu + " --algorithm tuned --table " + no_table, "no.json"},
      {gemm + cpu + " --algorithm tuned --table " + wrong_table, "did you mean 'entries'?"},
      {"tune gemm --m 8 --n 8 --k 8" + cpu + " --table " + no_table, "no.json"},
      {"explain gpt3-125m --device cpu", "--compare"},
      {"explain gpt3-125m --compare --phase training --tokens 1e9 --gpus 8" + cpu, "--tokens"},
      {"measure layer" + cpu, "no model"},
      {"measure layer gpt3-125m --tp 5" + cpu, "5"},
      {"backends extra", "extra"},
  };
  for (const auto& [arguments, says] : mistakes) expect_refused(arguments, says);
}

}  // namespace
}  // namespace gemmetry::cli
