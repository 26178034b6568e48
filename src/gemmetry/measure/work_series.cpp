#include "gemmetry/measure/work_series.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "gemmetry/op/kinds.h"

namespace gemmetry::measure {
namespace {

bool is_work(std::string_view size) { return size != "kv_heads" && size != "window"; }

std::int64_t alignment_of(std::int64_t size) {
  const std::int64_t divisor = size & -size;
  return divisor == 0 ? widest_alignment : std::min(divisor, widest_alignment);
}

/// Calls visit(name, size) for each size of the operator that means work; `rest` is the operator without it meanwhile.
template <class Visit>
void for_each_size(op::Operator& rest, Visit visit) {
  std::visit(
      [&]<class Op>(Op& one) {
        op::for_each_field<Op>([&](const auto& field) {
          auto& value = one.*field.member;
          if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, std::int64_t>) {
            if (!is_work(field.name)) return;
            const std::int64_t size = std::exchange(value, 0);
            visit(field.name, size);
            value = size;
          }
        });
      },
      rest);
}

/// The identity without the operator and the take.
std::string circumstances(const Record& record) {
  Record first = record;
  first.take = 0;
  return identity(first).substr(text_of(record.op).size());
}

}  // namespace

std::vector<WorkSeries> work_series(const std::vector<const Record*>& records) {
  std::unordered_map<std::string, std::size_t> places;
  std::vector<WorkSeries> all;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::string around = circumstances(*records[i]);
    op::Operator rest = records[i]->op;
    for_each_size(rest, [&](std::string_view name, std::int64_t size) {
      const std::string key = fmt::format("{} {}: {}{}", name, alignment_of(size), text_of(rest), around);
      const auto [place, is_new] = places.try_emplace(key, all.size());
      if (is_new) all.push_back({std::string(name), {}});
      all[place->second].points.push_back({size, i});
    });
  }
  std::erase_if(all, [](const WorkSeries& series) { return series.points.size() < 2; });
  for (WorkSeries& series : all)
    std::sort(series.points.begin(), series.points.end(),
              [](const auto& a, const auto& b) { return std::tie(a.size, a.record) < std::tie(b.size, b.record); });
  return all;
}

}  // namespace gemmetry::measure
