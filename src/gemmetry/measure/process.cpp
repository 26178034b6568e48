#include "gemmetry/measure/process.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace gemmetry::measure {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  // Containers of one machine may share its name, but not the numbers of their processes.
  std::error_code failure;
  const std::filesystem::path space = std::filesystem::read_symlink("/proc/self/ns/pid", failure);
  return fmt::format("{} {}", name.data(), space.string());
}

struct Stat {
  char state = '?';        ///< 'Z': it has ended, but its parent has not asked how
  std::int64_t start = 0;  ///< in ticks since the machine's start; 0: unknown
};

/// Fields 3 and 22 of /proc/ID/stat.
Stat stat_of(std::int64_t id) {
  std::ifstream file(fmt::format("/proc/{}/stat", id));
  std::string text;
  std::getline(file, text);
  const std::size_t name_end = text.rfind(')');  // the name may hold anything
  if (name_end == std::string::npos) return {};
  std::istringstream rest(text.substr(name_end + 1));
  Stat stat;
  rest >> stat.state;
  std::string skipped;
  for (int field = 4; field < 22; ++field) rest >> skipped;
  rest >> stat.start;
  return stat;
}

}  // namespace

Process Process::self() {
  const std::int64_t id = getpid();
  return {host_name(), id, stat_of(id).start};
}

bool has_ended(const Process& process) {
  if (process.host != host_name()) return false;
  if (kill(static_cast<pid_t>(process.id), 0) != 0 && errno == ESRCH) return true;
  const Stat stat = stat_of(process.id);
  return stat.state == 'Z' || (stat.start != 0 && process.start != 0 && stat.start != process.start);
}

}  // namespace gemmetry::measure
