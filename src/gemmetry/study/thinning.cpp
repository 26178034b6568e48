#include <algorithm>
#include <map>
#include <numeric>

#include "gemmetry/study/point.h"

namespace gemmetry::study {
namespace {

using Indices = std::vector<std::size_t>;

/// `count` of the entries, evenly, with both ends.
template <class Value>
std::vector<Value> evenly(const std::vector<Value>& all, std::size_t count) {
  if (count >= all.size()) return all;
  if (count == 1) return {all[all.size() / 2]};
  std::vector<Value> kept;
  const std::size_t last = all.size() - 1;
  for (std::size_t i = 0; i < count; ++i) kept.push_back(all[(2 * i * last + count - 1) / (2 * (count - 1))]);
  return kept;
}

/// How many points of each colour stay: one, and of the rest what its size entitles it to; largest remainders round up.
std::vector<std::size_t> shares(const std::vector<Indices>& colors, std::size_t most) {
  const std::size_t spare = most - colors.size();
  std::size_t others = 0;
  for (const Indices& color : colors) others += color.size() - 1;
  std::vector<std::size_t> kept, by_remainder(colors.size());
  std::size_t given = 0;
  for (const Indices& color : colors) {
    kept.push_back(1 + spare * (color.size() - 1) / others);
    given += kept.back();
  }
  std::iota(by_remainder.begin(), by_remainder.end(), std::size_t{0});
  const auto remainder = [&](std::size_t i) { return spare * (colors[i].size() - 1) % others; };
  std::stable_sort(by_remainder.begin(), by_remainder.end(),
                   [&](std::size_t a, std::size_t b) { return remainder(a) > remainder(b); });
  for (std::size_t i = 0; i < most - given; ++i) ++kept[by_remainder[i]];
  return kept;
}

/// Which of one series' points stay.
Indices thinned(const std::vector<Point>& points, const Indices& series, std::size_t most) {
  if (series.size() <= most) return series;
  std::map<LineKey, Indices> by_color;
  for (const std::size_t i : series) by_color[line_key(points[i])].push_back(i);
  std::vector<Indices> colors;
  for (auto& [color, indices] : by_color) {
    std::stable_sort(indices.begin(), indices.end(),
                     [&](std::size_t a, std::size_t b) { return points[a].x < points[b].x; });
    colors.push_back(std::move(indices));
  }
  colors = evenly(colors, most);
  const std::vector<std::size_t> counts = shares(colors, most);
  Indices kept;
  for (std::size_t i = 0; i < colors.size(); ++i)
    for (const std::size_t index : evenly(colors[i], counts[i])) kept.push_back(index);
  return kept;
}

}  // namespace

std::vector<Point> thinned(std::vector<Point> points, std::size_t most) {
  std::map<std::size_t, Indices> by_series;
  for (std::size_t i = 0; i < points.size(); ++i) by_series[points[i].series].push_back(i);
  Indices kept;
  for (const auto& [series, indices] : by_series)
    for (const std::size_t index : thinned(points, indices, std::max<std::size_t>(2, most))) kept.push_back(index);
  std::sort(kept.begin(), kept.end());
  std::vector<Point> result;
  result.reserve(kept.size());
  for (const std::size_t index : kept) result.push_back(std::move(points[index]));
  return result;
}

}  // namespace gemmetry::study
