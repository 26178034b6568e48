#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "scratch.h"

namespace gemmetry::cli {

/// What a run of the program left behind.
struct Result {
  int code = -1;
  std::string out;
  std::string err;

  nlohmann::ordered_json json() const { return nlohmann::ordered_json::parse(out); }
  bool one_line_of_error() const { return err.starts_with("gemmetry: ") && err.find('\n') == err.size() - 1; }
};

inline std::string read_text(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// Runs `gemmetry ARGUMENTS` through the shell.
inline Result gemmetry(const std::string& arguments) {
  const Scratch scratch;
  const std::string command = "{ " + std::string(GEMMETRY_BINARY) + " " + arguments + "\n} >" + scratch.path("out") +
                              " 2>" + scratch.path("err");
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_text(scratch.path("out")),
          read_text(scratch.path("err"))};
}

/// The command line is refused as a mistake, in one line that says so.
inline void expect_refused(const std::string& arguments, const std::string& says) {
  const Result result = gemmetry(arguments);
  EXPECT_EQ(result.code, 2) << arguments;
  EXPECT_EQ(result.out, "") << arguments;
  EXPECT_TRUE(result.one_line_of_error()) << arguments << ": " << result.err;
  EXPECT_NE(result.err.find(says), std::string::npos) << arguments << ": " << result.err;
}

}  // namespace gemmetry::cli
