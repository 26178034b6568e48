#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "gemmetry/cli/console.h"
#include "gemmetry/report/document.h"

namespace gemmetry::cli {

enum class Format { table, json, csv, markdown };

std::string_view name(Format format);

/// In which form an answer is given, and where.
class OutputOptions {
 public:
  explicit OutputOptions(Format format = Format::table) : format_(format) {}

  void add_to(CLI::App& app);

  Format format() const { return format_; }

  /// Shows the document on standard output or writes it to the file. Error when that fails.
  void write(const report::Document& document, const Console& console) const;

 private:
  Format format_;
  std::string file_;
};

/// Shows the document on standard output.
void show(const report::Document& document, Format format, const Console& console);

/// Replaces the file by `text`, all or nothing: the text goes to a new file beside it, which then takes its name.
/// What is no regular file (/dev/stdout, a pipe) is written to. Error naming the path when it cannot be written.
void write_file(const std::string& path, const std::string& text);

}  // namespace gemmetry::cli
