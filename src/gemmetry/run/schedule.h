#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gemmetry/op/program.h"
#include "gemmetry/run/arena.h"
#include "gemmetry/run/script.h"
#include "gemmetry/shape/model.h"

namespace gemmetry::run {

/// One launch of one layer.
struct Scheduled {
  std::size_t segment = 0;
  std::size_t launch = 0;           ///< in the segment's script
  std::int64_t layer = 0;           ///< of attention and FFN parts
  std::vector<std::size_t> arrays;  ///< for each argument that is a tensor, in order: which of the arrays
};

/// A whole model's launches in the order in which they run, layer after layer, with every array that they make.
struct Schedule {
  std::vector<Scheduled> launches;
  std::vector<Lifetime> arrays;
  std::vector<std::size_t> carried;  ///< arrays that parts take from the one before
  std::size_t result = 0;            ///< the array with the logits
};

/// `scripts`: one for each segment of the program.
Schedule schedule_of(const op::Program& program, const std::vector<Script>& scripts, const shape::Model& model);

}  // namespace gemmetry::run
