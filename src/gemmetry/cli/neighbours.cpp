#include "gemmetry/cli/neighbours.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "gemmetry/report/number.h"

namespace gemmetry::cli {
namespace {

constexpr std::int64_t multiples[] = {8, 16, 32, 64, 128};
constexpr double worth = 1.02;  // gain per element below which a neighbour is not worth naming
constexpr double below = 0.05;  // how much smaller a size may get

struct Size {
  char name;
  std::int64_t op::Gemm::*member;
  const char* unit;
};
constexpr Size sizes[] = {
    {'m', &op::Gemm::m, "row"}, {'n', &op::Gemm::n, "column"}, {'k', &op::Gemm::k, "inner element"}};

std::string sentence(const Neighbour& neighbour, const Size& size) {
  const double factor = neighbour.faster.value;
  const auto change = static_cast<double>(std::abs(neighbour.change));
  const char* more = neighbour.change > 0 ? "more" : "fewer";
  if (factor < 1)
    return fmt::format(
        "{}={}: {} slower for {} {} {}s", neighbour.size, neighbour.value,
        report::shown(1 / factor - 1, report::Unit::fraction),
        report::shown(change / static_cast<double>(neighbour.value - neighbour.change), report::Unit::fraction), more,
        size.unit);
  return fmt::format("{}={}: {} faster for {} {} {}{}", neighbour.size, neighbour.value,
                     report::shown(factor, report::Unit::factor), change, more, size.unit, change == 1 ? "" : "s");
}

/// For each element: a larger product may take longer in proportion.
double per_element(const Neighbour& neighbour, double faster) {
  const auto value = static_cast<double>(neighbour.value);
  return faster * value / (value - static_cast<double>(neighbour.change));
}

double gain(const Neighbour& neighbour) { return per_element(neighbour, neighbour.faster.value); }

/// Whether the error of the prediction leaves no doubt that there is a gain.
bool is_certain(const Neighbour& neighbour) { return per_element(neighbour, neighbour.faster.low) > 1; }

/// The next multiples above a size, nearest first.
std::vector<std::int64_t> values_above(std::int64_t size) {
  std::vector<std::int64_t> values;
  for (const std::int64_t multiple : multiples) {
    const std::int64_t above = (size / multiple + 1) * multiple;
    if (values.empty() || above > values.back()) values.push_back(above);
  }
  return values;
}

/// The multiples a little below a size, nearest first.
std::vector<std::int64_t> values_below(std::int64_t size) {
  std::vector<std::int64_t> values;
  for (const std::int64_t multiple : multiples) {
    const std::int64_t lower = (size - 1) / multiple * multiple;
    const bool near = static_cast<double>(size - lower) <= below * static_cast<double>(size);
    if (lower > 0 && near && (values.empty() || lower < values.back())) values.push_back(lower);
  }
  return values;
}

/// Those of `values` that gain more than the ones before them.
void add_neighbours(const op::Gemm& gemm, const Size& size, const std::vector<std::int64_t>& values,
                    const op::CostModel& costs, std::vector<Neighbour>& found) {
  const op::Cost cost = costs.cost(gemm);
  double best = 1;
  for (const std::int64_t value : values) {
    op::Gemm other = gemm;
    other.*size.member = value;
    Neighbour neighbour{size.name, value, value - gemm.*size.member, costs.cost(other), {}, ""};
    neighbour.faster = costs.compare(neighbour.cost, cost);
    if (gain(neighbour) < best * worth || !is_certain(neighbour)) continue;
    best = gain(neighbour);
    neighbour.sentence = sentence(neighbour, size);
    found.push_back(neighbour);
  }
}

}  // namespace

std::vector<Neighbour> neighbours(const op::Gemm& gemm, const op::CostModel& costs) {
  std::vector<Neighbour> found;
  for (const Size& size : sizes) {
    add_neighbours(gemm, size, values_above(gemm.*size.member), costs, found);
    add_neighbours(gemm, size, values_below(gemm.*size.member), costs, found);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Neighbour& a, const Neighbour& b) { return gain(a) > gain(b); });
  return found;
}

}  // namespace gemmetry::cli
