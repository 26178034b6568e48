#include <gtest/gtest.h>

#include <sstream>

#include "cli/program.h"

namespace gemmetry::cli {
namespace {

/// Every command with the least it needs.
const char* const commands[] = {"explain gpt3-125m",
                                "check gpt3-125m",
                                "advise gpt3-125m --only vocab",
                                "gemm 512 512 512",
                                "backends",
                                "models",
                                "gpus",
                                "nodes",
                                "completion bash"};

TEST(Usage, VersionAndHelpSucceed) {
  EXPECT_EQ(gemmetry("--version").code, 0);
  EXPECT_TRUE(gemmetry("--version").out.starts_with("gemmetry "));
  const Result help = gemmetry("--help");
  EXPECT_EQ(help.code, 0);
  for (const char* command : {"explain", "check", "advise", "gemm", "predict", "measure", "tune", "records", "backends",
                              "models", "gpus", "nodes", "completion"})
    EXPECT_NE(help.out.find(command), std::string::npos) << command;
}

TEST(Usage, EveryCommandsHelpHasExamples) {
  for (const char* command : {"explain",
                              "check",
                              "advise",
                              "gemm",
                              "predict",
                              "measure",
                              "measure gemm",
                              "measure bmm",
                              "measure grouped_gemm",
                              "measure attention",
                              "measure norm",
                              "measure softmax",
                              "measure activation",
                              "measure rotary",
                              "measure residual",
                              "measure embedding",
                              "measure cross_entropy",
                              "measure optimizer",
                              "measure pointwise",
                              "measure layer",
                              "tune",
                              "tune gemm",
                              "tune grouped_gemm",
                              "tune attention",
                              "tune model",
                              "records",
                              "records list",
                              "records export",
                              "records import",
                              "records merge",
                              "backends",
                              "models",
                              "gpus",
                              "nodes",
                              "completion"}) {
    const Result help = gemmetry(std::string(command) + " --help");
    EXPECT_EQ(help.code, 0) << command;
    EXPECT_NE(help.out.find(std::string("gemmetry ") + command), std::string::npos) << command;
    EXPECT_EQ(help.err, "") << command;
  }
}

/// The examples of commands that measure: a recorded device answers; any other, as far as it is asked for, is not
/// there.
TEST(Usage, ExamplesOfMeasuringAreRight) {
  std::size_t count = 0;
  for (const char* command :
       {"measure gemm", "measure bmm", "measure grouped_gemm", "measure attention", "measure norm", "measure softmax",
        "measure activation", "measure rotary", "measure residual", "measure embedding", "measure cross_entropy",
        "measure optimizer", "measure pointwise", "measure layer", "tune gemm", "tune grouped_gemm", "tune attention",
        "tune model"}) {
    const std::string program = "  gemmetry ", help = gemmetry(std::string(command) + " --help").out;
    std::istringstream lines(help);
    for (std::string line; std::getline(lines, line);) {
      const bool reads_files = line.find('@') != std::string::npos || line.find("my/") != std::string::npos;
      if (!line.starts_with(program) || reads_files) continue;
      const bool recorded = line.find("recorded:") != std::string::npos;
      const Result result = gemmetry(line.substr(program.size()) + (recorded ? "" : " --device cuda:99"));
      if (recorded)
        EXPECT_LE(result.code, 1) << line << ": " << result.err;
      else
        EXPECT_EQ(result.code, 3) << line << ": " << result.err;
      ++count;
    }
  }
  EXPECT_GE(count, 18u);
}

TEST(Usage, EveryCommandRunsInEveryFormat) {
  for (const std::string command : commands) {
    if (command.starts_with("completion")) continue;
    for (const char* format : {"table", "json", "csv", "markdown"}) {
      const Result result = gemmetry(command + " --format " + format);
      EXPECT_LE(result.code, 1) << command << " " << format << ": " << result.err;
      EXPECT_FALSE(result.out.empty()) << command << " " << format;
      EXPECT_EQ(result.out.find('\033'), std::string::npos) << command;
      EXPECT_EQ(result.err, "") << command;
    }
  }
}

TEST(Usage, MistakesAreOneLineWithTheNearestAndExitTwo) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"", "no command"},
      {"explian gpt3-2.7b", "did you mean 'explain'?"},
      {"explain gpt3-2.7b --hiden 2560", "did you mean '--hidden'?"},
      {"explain gpt3-2.7b --phase trainig", "did you mean 'training'?"},
      {"explain gpt3-2.8b", "did you mean 'gpt3-2.7b'?"},
      {"explain gpt3-2.7b --gpu h20", "did you mean"},
      {"explain", "no model"},
      {"explain --hidden 1024 --layers 2 --heads 8", "vocab"},
      {"explain gpt3-2.7b extra", "unexpected argument 'extra'"},
      {"explain gpt3-2.7b --batch 0", "--batch = '0'"},
      {"explain gpt3-2.7b --batch=-3", "--batch = '-3'"},
      {"explain gpt3-2.7b --batch 1.5", "--batch = '1.5'"},
      {"explain gpt3-2.7b --batch 1e400", "--batch = '1e400'"},
      {"explain gpt3-2.7b --batch", "--batch"},
      {"explain gpt3-2.7b --tp 2,4", "--tp"},
      {"explain gpt3-2.7b --tp 3", "3"},
      {"explain gpt3-2.7b --seq 1000000", "position"},
      {"explain gpt3-2.7b --tied --untied", "--tied"},
      {"explain gpt3-2.7b --tokens 300e9", "--phase training"},
      {"explain gpt3-2.7b --phase training --tokens 300e9", "--gpus"},
      {"explain gpt3-2.7b --phase training --tp 4 --tokens 3e9 --gpus 6", "--gpus = 6"},
      {"explain gpt3-2.7b --cache 100", "--phase decode"},
      {"explain /no/such/config.json", "/no/such/config.json"},
      {"explain gpt3-2.7b --out /no/such/folder/file", "/no/such/folder/file"},
      {"gemm 0 1 1", "M = '0'"},
      {"gemm 8 8", "K"},
      {"gemm 9007199254740993 8 8", "M"},
      {"gemm 1e15 1e15 1e15", "too large"},
      {"gemm 8 8 8 --dtype bf17", "did you mean 'bf16'?"},
      {"check gpt3-2.7b --fail-over lots", "--fail-over = 'lots'"},
      {"advise gpt3-2.7b --free head", "did you mean 'heads'?"},
      {"advise gpt3-2.7b --tolerance 300%", "--tolerance"},
      {"advise gpt3-2.7b --ffn-band 4..2", "--ffn-band = '4..2'"},
      {"predict gem --from -", "did you mean 'gemm'?"},
      {"predict gemm", "--from"},
      {"predict gemm --from /no/such.csv", "/no/such.csv"},
      {"predict gemm --from /", "directory"},
      {"gpus h300", "did you mean"},
      {"completion bsh", "did you mean 'bash'?"},
  };
  for (const auto& [arguments, says] : mistakes) expect_refused(arguments, says);
}

TEST(Usage, ABrokenPipeIsQuiet) {
  const Scratch scratch;
  const Result result = gemmetry("explain gpt3-2.7b --format json | head -c 1");
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.code, 0);
}

TEST(Usage, AFullDiskIsSaid) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  const Result result = gemmetry("models --out /dev/full");
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("/dev/full"), std::string::npos) << result.err;
}

TEST(Output, AFileIsReplacedWhole) {
  const Scratch scratch;
  const std::string file = scratch.write("out.json", "old");
  EXPECT_EQ(gemmetry("models --format json --out " + file).code, 0);
  EXPECT_EQ(nlohmann::json::parse(read_text(file)).at("schema_version"), 1);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(scratch.path(""))) ++files;
  EXPECT_EQ(files, 1u);  // nothing temporary is left
}

TEST(Output, AFileSurvivesAFailedRun) {
  const Scratch scratch;
  const std::string file = scratch.write("out.json", "old");
  EXPECT_EQ(gemmetry("explain no-such-model --out " + file).code, 2);
  EXPECT_EQ(read_text(file), "old");
}

TEST(Output, ALinkStaysALink) {
  const Scratch scratch;
  const std::string file = scratch.write("real", "old"), link = scratch.path("link");
  std::filesystem::create_symlink(file, link);
  EXPECT_EQ(gemmetry("models --out " + link).code, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_NE(read_text(file), "old");
}

TEST(Completion, KnowsCommandsOptionsAndNames) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Result result = gemmetry(std::string("completion ") + shell);
    EXPECT_EQ(result.code, 0);
    for (const char* word : {"explain", "projections", "gpt3-2.7b", "h200", "unfused"})
      EXPECT_NE(result.out.find(word), std::string::npos) << shell << " " << word;
  }
}

TEST(Completion, BashCompletes) {
  const Scratch scratch;
  const std::string script = scratch.write("completion", gemmetry("completion bash").out);
  const auto complete = [&](const std::string& words) {
    const std::string out = scratch.path("out");
    const std::string code = "source " + script + "; COMP_WORDS=(" + words +
                             "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _gemmetry; echo ${COMPREPLY[@]}";
    EXPECT_EQ(std::system(("bash -c '" + code + "' >" + out).c_str()), 0);
    return read_text(out);
  };
  EXPECT_EQ(complete("gemmetry expl"), "explain\n");
  EXPECT_EQ(complete("gemmetry explain --phase tr"), "training\n");
  EXPECT_EQ(complete("gemmetry explain --proj"), "--projections\n");
  EXPECT_EQ(complete("gemmetry explain gpt3-2."), "gpt3-2.7b\n");
  EXPECT_EQ(complete("gemmetry explain --gpu h2"), "h200\n");
}

}  // namespace
}  // namespace gemmetry::cli
