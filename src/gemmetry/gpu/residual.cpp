#include "gemmetry/gpu/residual.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gemmetry/base/error.h"

namespace gemmetry::gpu {
namespace {

using nlohmann::json;

constexpr std::size_t most_nodes = 4095;  // 2048 leaves
constexpr std::size_t most_trees = 2000;

std::vector<std::string> words(const JsonObject& object, std::string_view key) {
  std::vector<std::string> found;
  for (const json& word : object.array(key)) {
    if (!word.is_string()) object.fail(key, "expected a list of names");
    found.push_back(word.get<std::string>());
    if (std::count(found.begin(), found.end(), found.back()) > 1)
      object.fail(key, fmt::format("'{}' is there twice", found.back()));
  }
  if (found.empty()) object.fail(key, "expected at least one name");
  return found;
}

std::vector<shape::Dtype> read_dtypes(const JsonObject& object) {
  std::vector<shape::Dtype> dtypes;
  for (const std::string& name : words(object, "dtypes")) {
    const auto known = shape::all_dtypes();
    const auto found = std::ranges::find_if(known, [&](shape::Dtype dtype) { return shape::name(dtype) == name; });
    if (found == known.end())
      object.fail("dtypes", fmt::format("'{}' is unknown: use bf16, fp16, fp8, tf32 or fp32", name));
    dtypes.push_back(*found);
  }
  return dtypes;
}

bool is_number(const json& value) { return value.is_number() && std::isfinite(value.get<float>()); }

/// What is wrong with a tree; empty when nothing is.
std::string read_tree(const json& text, std::size_t features, Tree& tree) {
  const bool pair = text.is_array() && text.size() == 2 && text[0].is_array() && text[1].is_array();
  if (!pair || text[0].empty() || text[0].size() != text[1].size())
    return "expected [[feature or -1, ...], [threshold or value, ...]], two lists of one length";
  if (text[0].size() > most_nodes) return fmt::format("expected at most {} nodes", most_nodes);
  for (const json& split : text[0]) {
    const bool known = split.is_number_integer() && split.get<std::int64_t>() >= -1 &&
                       split.get<std::int64_t>() < static_cast<std::int64_t>(features);
    if (!known) return fmt::format("expected features from -1 (a leaf) to {}", features - 1);
    tree.split.push_back(split.get<int>());
  }
  for (const json& number : text[1]) {
    if (!is_number(number)) return "expected numbers";
    tree.number.push_back(number.get<float>());
  }
  if (end_of_branch(tree, 0) != tree.split.size())
    return "expected the nodes of one tree in pre-order: each with all of its left branch, then its right";
  return "";
}

std::vector<Tree> read_trees(const JsonObject& object, std::string_view key, const std::string& path,
                             std::size_t features) {
  const json& list = object.array(key);
  if (list.size() > most_trees) object.fail(key, fmt::format("expected at most {} trees", most_trees));
  std::vector<Tree> trees;
  for (const json& text : list) {
    const std::string wrong = read_tree(text, features, trees.emplace_back());
    // The tree itself may be thousands of numbers: its place says enough.
    if (!wrong.empty())
      throw Error(fmt::format("{}: tree {} of '{}': {}", object.source(), trees.size() - 1, path, wrong));
  }
  return trees;
}

std::map<std::string, Range> read_ranges(const JsonObject& residual, const std::vector<std::string>& features) {
  const JsonObject object = residual.object("ranges");
  std::map<std::string, Range> ranges;
  for (const auto& [name, range] : residual.raw("ranges").items()) {
    if (std::find(features.begin(), features.end(), name) == features.end())
      object.fail(name, "expected the name of one of the features");
    if (!range.is_array() || range.size() != 2 || !is_number(range[0]) || !is_number(range[1]) || range[0] > range[1])
      object.fail(name, "expected [least, largest]");
    ranges[name] = {range[0].get<double>(), range[1].get<double>()};
  }
  return ranges;
}

}  // namespace

std::size_t end_of_branch(const Tree& tree, std::size_t node) {
  std::size_t open = 1;
  for (; open > 0; ++node) {
    if (node >= tree.split.size()) return 0;
    tree.split[node] < 0 ? --open : ++open;
  }
  return node;
}

Residual residual_from_json(const JsonObject& group, const std::string& name) {
  const JsonObject object = group.object(name);
  object.refuse_unknown({"features", "dtypes", "ranges", "errors", "trees", "spread"});
  Residual residual;
  residual.features = words(object, "features");
  residual.dtypes = read_dtypes(object);
  residual.ranges = read_ranges(object, residual.features);
  residual.errors = log_errors_from_json(object.object("errors"), Classes::some);
  residual.trees = read_trees(object, "trees", name + ".trees", residual.features.size());
  residual.spread = read_trees(object, "spread", name + ".spread", residual.features.size());
  return residual;
}

}  // namespace gemmetry::gpu
