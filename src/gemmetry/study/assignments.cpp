#include "gemmetry/study/assignments.h"

#include <algorithm>

namespace gemmetry::study {
namespace {

using Assignment = std::pair<std::string, Expression>;

auto find(std::vector<Assignment>& all, const std::string& name) {
  return std::find_if(all.begin(), all.end(), [&](const Assignment& one) { return one.first == name; });
}

auto first_use(std::vector<Assignment>& all, const std::string& name) {
  return std::find_if(all.begin(), all.end(), [&](const Assignment& one) {
    const std::vector<std::string>& names = one.second.names();
    return std::find(names.begin(), names.end(), name) != names.end();
  });
}

}  // namespace

std::vector<Assignment> assignments(const Study& study, const Series& series) {
  std::vector<Assignment> all;
  for (const Assignment& one : series.let)
    if (is_axis(study, one.first)) all.push_back(one);
  all.insert(all.end(), study.let.begin(), study.let.end());

  std::vector<Assignment> own;
  for (const Assignment& one : series.let) {
    const auto known = find(all, one.first);
    if (known == all.end())
      own.push_back(one);
    else
      known->second = one.second;
  }
  // From the last on, since each may use those before it.
  for (auto one = own.rbegin(); one != own.rend(); ++one) all.insert(first_use(all, one->first), *one);
  return all;
}

std::vector<std::string> checked_names(const Study& study, const Series& series) {
  std::vector<std::string> names;
  for (const Sweep& axis : study.axes) names.push_back(axis.name);
  for (const auto& [name, expression] : assignments(study, series)) {
    expression.require_names(names);
    if (!is_axis(study, name)) names.push_back(name);
  }
  return names;
}

bool is_axis(const Study& study, std::string_view name) {
  return std::any_of(study.axes.begin(), study.axes.end(), [&](const Sweep& axis) { return axis.name == name; });
}

}  // namespace gemmetry::study
