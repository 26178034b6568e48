#include "gemmetry/measure/rank.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "gemmetry/base/error.h"

namespace gemmetry::measure {
namespace {

using Set = std::map<std::string, std::string>;

Rank rank_in(const Set& variables, std::string_view share = {}) {
  return find_rank(
      [&](const char* name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
      },
      share);
}

void expect_rank(const Rank& rank, std::int64_t index, std::int64_t size, std::int64_t local) {
  EXPECT_EQ(rank.rank, index) << rank.source;
  EXPECT_EQ(rank.size, size) << rank.source;
  EXPECT_EQ(rank.local, local) << rank.source;
}

const Set open_mpi{{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "8"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "1"}};
const Set srun{{"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "5"}, {"SLURM_NTASKS", "6"}, {"SLURM_LOCALID", "2"}};
const Set array{{"SLURM_ARRAY_TASK_ID", "12"},
                {"SLURM_ARRAY_TASK_MIN", "10"},
                {"SLURM_ARRAY_TASK_MAX", "13"},
                {"SLURM_ARRAY_TASK_COUNT", "4"}};

TEST(FindRank, AloneWithoutALauncher) { expect_rank(rank_in({}), 0, 1, 0); }

TEST(FindRank, EveryLauncher) {
  expect_rank(rank_in(open_mpi), 3, 8, 1);
  expect_rank(rank_in({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"MPI_LOCALRANKID", "1"}}), 1, 2, 1);
  expect_rank(rank_in(srun), 5, 6, 2);
  expect_rank(rank_in(array), 2, 4, 0);
}

TEST(FindRank, ABatchScriptIsNoStep) {
  expect_rank(rank_in({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "16"}, {"SLURM_LOCALID", "0"}}), 0, 1, 0);
  expect_rank(rank_in({{"SLURM_STEP_ID", "1"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "1"}}), 0, 1, 0);
}

TEST(FindRank, AnArrayOfStepsSharesTheWhole) {
  Set both = srun;
  both.insert(array.begin(), array.end());
  expect_rank(rank_in(both), 2 * 6 + 5, 4 * 6, 2);
}

TEST(FindRank, AnArrayMayStep) {
  expect_rank(rank_in({{"SLURM_ARRAY_TASK_ID", "8"},
                       {"SLURM_ARRAY_TASK_MIN", "0"},
                       {"SLURM_ARRAY_TASK_MAX", "12"},
                       {"SLURM_ARRAY_TASK_STEP", "4"},
                       {"SLURM_ARRAY_TASK_COUNT", "4"}}),
              2, 4, 0);
}

TEST(FindRank, WhatIsSaidReplacesTheLauncher) {
  expect_rank(rank_in(open_mpi, "1/4"), 0, 4, 1);
  expect_rank(rank_in({}, "4/4"), 3, 4, 0);
}

TEST(FindRank, MistakesAreNamed) {
  const auto error = [](const Set& variables, std::string_view share = {}) {
    try {
      rank_in(variables, share);
    } catch (const Error& problem) {
      return std::string(problem.what());
    }
    return std::string();
  };
  EXPECT_NE(error({{"OMPI_COMM_WORLD_RANK", "0"}}).find("OMPI_COMM_WORLD_SIZE"), std::string::npos);
  EXPECT_NE(error({{"OMPI_COMM_WORLD_RANK", "x"}}).find("'x'"), std::string::npos);
  EXPECT_NE(error({{"PMI_RANK", "2"}, {"PMI_SIZE", "2"}}).find("rank 2 of 2"), std::string::npos);
  Set uneven = array;
  uneven["SLURM_ARRAY_TASK_ID"] = "20";
  EXPECT_NE(error(uneven).find("SLURM_ARRAY_TASK_ID = 20"), std::string::npos);
  for (const char* share : {"3", "0/4", "5/4", "1/x", "/", "1/0", "1/2000000"})
    EXPECT_NE(error({}, share), "") << share;
}

TEST(Share, IsAnExactPartition) {
  std::vector<int> all(1001);
  std::iota(all.begin(), all.end(), 0);
  for (const std::int64_t size : {1, 2, 3, 7, 1000, 2000}) {
    std::vector<int> together;
    for (std::int64_t rank = 0; rank < size; ++rank) {
      const std::vector<int> own = share(all, {rank, size, 0, ""}, 5);
      EXPECT_LE(own.size(), (all.size() + static_cast<std::size_t>(size) - 1) / static_cast<std::size_t>(size));
      together.insert(together.end(), own.begin(), own.end());
    }
    std::sort(together.begin(), together.end());
    EXPECT_EQ(together, all) << size;
  }
}

TEST(Shuffle, DependsOnTheSeedAlone) {
  std::vector<int> a(100), b, c;
  std::iota(a.begin(), a.end(), 0);
  b = c = a;
  shuffle(a, 1), shuffle(b, 1), shuffle(c, 2);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  std::vector<int> none, one{7};
  shuffle(none, 1), shuffle(one, 1);
  EXPECT_EQ(one, std::vector<int>{7});
}

}  // namespace
}  // namespace gemmetry::measure
