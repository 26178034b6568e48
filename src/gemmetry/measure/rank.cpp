#include "gemmetry/measure/rank.h"

#include <fmt/format.h>

#include "gemmetry/base/error.h"
#include "gemmetry/base/text_value.h"

namespace gemmetry::measure {
namespace {

constexpr std::int64_t most_ranks = 1 << 20;

/// Environment variables as whole numbers.
class Variables {
 public:
  explicit Variables(const Environment& environment) : environment_(environment) {}

  bool has(const char* name) const { return environment_(name).has_value(); }

  std::int64_t number(const char* name, std::int64_t low) const {
    const std::optional<std::string> text = environment_(name);
    if (!text) throw Error(fmt::format("{} is not set, although its sisters are: give --share instead", name));
    return whole_number(name, *text, low);
  }

  std::int64_t number_or(const char* name, std::int64_t low, std::int64_t otherwise) const {
    return has(name) ? number(name, low) : otherwise;
  }

 private:
  const Environment& environment_;
};

void require_sane(const Rank& rank) {
  if (rank.size > most_ranks)
    throw Error(fmt::format("{} processes share the sweep: expected at most {}", rank.size, most_ranks));
  if (rank.rank >= rank.size)
    throw Error(fmt::format("rank {} of {} processes ({}): expected 0 to {}", rank.rank, rank.size, rank.source,
                            rank.size - 1));
}

/// Whether a job step runs several tasks. A batch script itself has SLURM_PROCID 0 and the SLURM_NTASKS of the whole
/// job, but is no step.
bool in_slurm_step(const Variables& variables) {
  return (variables.has("SLURM_STEP_ID") || variables.has("SLURM_STEPID")) && variables.has("SLURM_PROCID") &&
         variables.number_or("SLURM_NTASKS", 1, 1) > 1;
}

std::int64_t local_rank(const Variables& variables) {
  for (const char* name : {"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID"})
    if (variables.has(name)) return variables.number(name, 0);
  const bool step = variables.has("PMI_RANK") || in_slurm_step(variables);
  return step ? variables.number_or("SLURM_LOCALID", 0, 0) : 0;
}

Rank launched(const Variables& variables) {
  const std::int64_t local = local_rank(variables);
  if (variables.has("OMPI_COMM_WORLD_RANK"))
    return {variables.number("OMPI_COMM_WORLD_RANK", 0), variables.number("OMPI_COMM_WORLD_SIZE", 1), local, "mpirun"};
  if (variables.has("PMI_RANK"))
    return {variables.number("PMI_RANK", 0), variables.number("PMI_SIZE", 1), local, "mpirun"};
  if (in_slurm_step(variables))
    return {variables.number("SLURM_PROCID", 0), variables.number("SLURM_NTASKS", 1), local, "srun"};
  return {};
}

/// Each task of a job array with all its ranks takes its part of the whole.
Rank within_array(const Rank& rank, const Variables& variables) {
  if (!variables.has("SLURM_ARRAY_TASK_ID")) return rank;
  const std::int64_t id = variables.number("SLURM_ARRAY_TASK_ID", 0);
  const std::int64_t first = variables.number("SLURM_ARRAY_TASK_MIN", 0);
  const std::int64_t step = variables.number_or("SLURM_ARRAY_TASK_STEP", 1, 1);
  const std::int64_t count = variables.has("SLURM_ARRAY_TASK_COUNT")
                                 ? variables.number("SLURM_ARRAY_TASK_COUNT", 1)
                                 : (variables.number("SLURM_ARRAY_TASK_MAX", 0) - first) / step + 1;
  const std::int64_t index = (id - first) / step;
  if (id < first || (id - first) % step != 0 || index >= count)
    throw Error(
        fmt::format("SLURM_ARRAY_TASK_ID = {} is not one of {} even steps from {}: use --array=0-{} or give --share",
                    id, count, first, count - 1));
  return {index * rank.size + rank.rank, count * rank.size, rank.local,
          rank.source.empty() ? "job array" : rank.source + " in a job array"};
}

Rank stated(std::string_view share, const Variables& variables) {
  const std::size_t slash = share.find('/');
  if (slash == std::string_view::npos)
    refuse_text("--share", share, "a part of a whole, as in 1/4 for the first of four");
  const std::int64_t part = whole_number("--share", share.substr(0, slash));
  const std::int64_t size = whole_number("--share", share.substr(slash + 1));
  if (part > size) refuse_text("--share", share, fmt::format("a part from 1 to {}", size));
  return {part - 1, size, local_rank(variables), "--share"};
}

}  // namespace

Rank find_rank(const Environment& environment, std::string_view share) {
  const Variables variables(environment);
  const Rank rank = share.empty() ? within_array(launched(variables), variables) : stated(share, variables);
  require_sane(rank);
  return rank;
}

}  // namespace gemmetry::measure
