#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "gemmetry/measure/execution.h"
#include "gemmetry/measure/executions.h"

namespace gemmetry::cli {

/// Executions of one device from a CSV file: the first line is a comment with what is the same of all of them
/// ("# gpu=h200; driver=580.1"), then headings, then rows (docs/studies.md). Error naming file, line, column and fix.
std::vector<measure::Execution> read_executions(const std::string& path);

/// Whether the file begins as such a file does.
bool is_execution_file(const std::string& path);

/// Adds rows to such a file, each whole before the next is measured. Makes the file and its folder where there is none.
class ExecutionWriter {
 public:
  /// Error where the file cannot be written, or its rows are of another device or of other libraries.
  ExecutionWriter(const std::string& path, const measure::DeviceInfo& device);

  void add(const measure::Execution& row);

 private:
  std::string path_;
  std::ofstream stream_;
};

/// Those of the file executions/GPU.csv of the data; none where there is no such file.
measure::Executions recorded_executions(const std::string& gpu);

}  // namespace gemmetry::cli
