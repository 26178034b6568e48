#pragma once

#include <map>
#include <string>
#include <vector>

#include "gemmetry/base/json.h"
#include "gemmetry/gpu/log_error.h"
#include "gemmetry/shape/dtype.h"

namespace gemmetry::gpu {

/// A regression tree, its nodes in pre-order: a node, all below its left branch, all below its right branch.
struct Tree {
  std::vector<int> split;     ///< the feature that decides, an index into Residual::features; -1: a leaf
  std::vector<float> number;  ///< of a leaf its value; else the largest value of the feature that goes left
};

/// One past the last node of the branch that starts at `node`; 0 where the tree ends before the branch does.
std::size_t end_of_branch(const Tree& tree, std::size_t node);

struct Range {
  double low = 0;
  double high = 0;
};

/// What was learned from records about the operators of one kind: the logarithm of measured over structured time, as a
/// sum of trees over features of the operator and of its structured estimate (docs/models/residual.md).
struct Residual {
  std::vector<std::string> features;    ///< predict/features.h names them
  std::vector<shape::Dtype> dtypes;     ///< that it was fitted to
  std::map<std::string, Range> ranges;  ///< that it was fitted in, by feature
  std::vector<Tree> trees;              ///< their values add up to the residual
  std::vector<Tree> spread;             ///< theirs to the logarithm of how wide the errors are at one operator
  LogErrors errors;                     ///< of what is left, by error class, where `spread` is 0
};

/// Reads the model of that name from the group "residuals" of a calibration file. Error naming key, value and fix.
Residual residual_from_json(const JsonObject& group, const std::string& name);

}  // namespace gemmetry::gpu
