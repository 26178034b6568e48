#include "gemmetry/cli/output_options.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/report/csv.h"
#include "gemmetry/report/json.h"
#include "gemmetry/report/markdown.h"
#include "gemmetry/report/text.h"

namespace gemmetry::cli {
namespace {

[[noreturn]] void fail(const std::string& path) {
  throw Error(fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
}

/// A file to be written; closed, and removed unless it was kept.
class NewFile {
 public:
  NewFile(std::string path, int flags, mode_t mode) : path_(std::move(path)), file_(open(path_.c_str(), flags, mode)) {}
  ~NewFile() {
    if (file_ >= 0) close(file_);
    if (temporary_) unlink(path_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  bool is_open() const { return file_ >= 0; }
  const std::string& path() const { return path_; }
  void set_temporary(bool temporary) { temporary_ = temporary; }

  bool write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(file_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }

 private:
  std::string path_;
  int file_;
  bool temporary_ = false;
};

/// The path behind links, so that a link stays one.
std::string resolved(const std::string& path) {
  std::error_code failure;
  const std::filesystem::path canonical = std::filesystem::weakly_canonical(path, failure);
  return failure ? path : canonical.string();
}

void replace_file(const std::string& path, const std::string& text, mode_t mode) {
  const std::string target = resolved(path);
  NewFile file(fmt::format("{}.{}.tmp", target, getpid()), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (!file.is_open()) fail(path);
  file.set_temporary(true);
  if (!file.write(text) || rename(file.path().c_str(), target.c_str()) != 0) fail(path);
  file.set_temporary(false);
}

std::string rendered(const report::Document& document, Format format, const report::TextStyle& style) {
  switch (format) {
    case Format::table:
      return report::to_text(document, style);
    case Format::json:
      return report::json_text(document);
    case Format::csv:
      return report::to_csv(document);
    case Format::markdown:
      return report::to_markdown(document);
  }
  return "";
}

}  // namespace

std::string_view name(Format format) {
  switch (format) {
    case Format::table:
      return "table";
    case Format::json:
      return "json";
    case Format::csv:
      return "csv";
    case Format::markdown:
      return "markdown";
  }
  return "?";
}

void OutputOptions::add_to(CLI::App& app) {
  constexpr auto group = "Output";
  add_choice(app, "--format", format_, {Format::table, Format::json, Format::csv, Format::markdown},
             "form of the answer")
      ->group(group);
  app.add_option("--out", file_, "a file to write instead of the terminal; it is replaced whole or not at all")
      ->type_name("FILE")
      ->group(group);
}

void OutputOptions::write(const report::Document& document, const Console& console) const {
  if (file_.empty())
    show(document, format_, console);
  else
    write_file(file_, rendered(document, format_, {}));
}

void show(const report::Document& document, Format format, const Console& console) {
  console.write(rendered(document, format, console.style()));
}

void write_file(const std::string& path, const std::string& text) {
  struct stat found {};
  const bool exists = stat(path.c_str(), &found) == 0;
  if (exists && S_ISDIR(found.st_mode)) throw Error(fmt::format("{}: is a directory; name a file", path));
  if (exists && access(path.c_str(), W_OK) != 0) fail(path);
  if (!exists || S_ISREG(found.st_mode)) return replace_file(path, text, exists ? found.st_mode & 07777 : 0666);
  NewFile file(path, O_WRONLY | O_CLOEXEC, 0666);
  if (!file.is_open() || !file.write(text)) fail(path);
}

}  // namespace gemmetry::cli
