#include "gemmetry/measure/record_order.h"

#include <compare>
#include <tuple>

#include "gemmetry/op/kinds.h"

namespace gemmetry::measure {
namespace {

std::partial_ordering compare(const op::Operator& a, const op::Operator& b) {
  if (a.index() != b.index()) return a.index() <=> b.index();
  return std::visit(
      [&]<class Op>(const Op& one) {
        const Op& other = std::get<Op>(b);
        std::partial_ordering order = std::partial_ordering::equivalent;
        op::for_each_field<Op>([&](const auto& field) {
          if (order == 0) order = one.*field.member <=> other.*field.member;
        });
        return order;
      },
      a);
}

auto key_of(const Record& record) {
  const Setting& setting = record.setting;
  // Bursts, which there are more of, first.
  return std::make_tuple(setting.clocks != gpu::Clocks::burst, setting.policy, setting.replay, setting.warm,
                         record.take);
}

}  // namespace

bool comes_before(const Record& a, const Record& b) {
  if (const auto order = compare(a.op, b.op); order != 0) return order < 0;
  if (const auto x = key_of(a), y = key_of(b); x != y) return x < y;
  return identity(a) < identity(b);
}

}  // namespace gemmetry::measure
