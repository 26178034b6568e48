#include "gemmetry/cli/console.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/exit_code.h"

namespace gemmetry::cli {
namespace {

constexpr int narrowest = 40;

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

int terminal_width() {
  const int columns = std::atoi(std::string(environment("COLUMNS")).c_str());
  if (columns > 0) return std::max(columns, narrowest);
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return std::max<int>(size.ws_col, narrowest);
  return 100;
}

}  // namespace

Console::Console() {
  const bool dumb = environment("TERM") == "dumb";
  if (isatty(STDOUT_FILENO)) {
    style_.colour = !dumb && environment("NO_COLOR").empty();
    style_.width = terminal_width();
  }
  progress_ = isatty(STDERR_FILENO) && !dumb;
}

void Console::write(const std::string& text) const {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (written) return;
  if (errno == EPIPE) std::_Exit(exit_ok);
  throw Error(fmt::format("standard output cannot be written: {}", std::strerror(errno)));
}

void Console::progress(const std::string& text) const {
  if (!progress_) return;
  fmt::print(stderr, "\r\033[K{}", text);
  std::fflush(stderr);
}

void Console::complain(const std::string& text) const {
  std::string line = text;
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  fmt::print(stderr, "gemmetry: {}\n", line);
}

}  // namespace gemmetry::cli
