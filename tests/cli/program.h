#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

namespace gemmetry::cli {

/// What a run of the program left behind.
struct Result {
  int code = -1;
  std::string out;
  std::string err;

  nlohmann::ordered_json json() const { return nlohmann::ordered_json::parse(out); }
  bool one_line_of_error() const { return err.starts_with("gemmetry: ") && err.find('\n') == err.size() - 1; }
};

/// A folder of a test's own, removed with it.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "gemmetry_test.XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string path(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }

 private:
  std::filesystem::path path_;
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

}  // namespace gemmetry::cli
