#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gemmetry/measure/shuffle.h"

namespace gemmetry::measure {

/// Which of several processes that share a sweep this one is.
struct Rank {
  std::int64_t rank = 0;  ///< 0 .. size - 1
  std::int64_t size = 1;
  std::int64_t local = 0;  ///< among the processes of this machine: the device to take
  std::string source;      ///< who says so, "mpirun"; empty: it is alone
};

/// The value of an environment variable, or nothing.
using Environment = std::function<std::optional<std::string>(const char* variable)>;

/// The rank that mpirun (Open MPI; MPICH and its kin) or srun gives, and, on top of that, the task of a Slurm job
/// array. `share` is "2/8", the second of eight, in place of these; empty: not said. Error naming variable or text.
Rank find_rank(const Environment& environment, std::string_view share = {});

/// Every size-th item after a shuffle that is the same for all ranks: each item goes to exactly one rank, and large
/// ones are spread evenly.
template <class Item>
std::vector<Item> share(std::vector<Item> items, const Rank& rank, std::uint64_t seed) {
  shuffle(items, seed);
  std::vector<Item> own;
  for (std::size_t i = static_cast<std::size_t>(rank.rank); i < items.size(); i += static_cast<std::size_t>(rank.size))
    own.push_back(std::move(items[i]));
  return own;
}

}  // namespace gemmetry::measure
