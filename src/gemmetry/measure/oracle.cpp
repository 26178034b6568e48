#include "gemmetry/measure/oracle.h"

#include <type_traits>
#include <utility>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/oracle_families.h"

namespace gemmetry::measure {

std::vector<Expected> expect(const op::Operator& op, const Arrays& operands, std::int64_t split_k) {
  return std::visit(
      [&](const auto& one) -> std::vector<Expected> {
        using Op = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<Op, op::Collective>) {
          throw Error("a collective has no result that one device could compute: nothing to compare");
        } else if constexpr (std::is_same_v<Op, op::Gemm> || std::is_same_v<Op, op::GroupedGemm>) {
          return expect(one, operands, split_k);
        } else {
          return expect(one, operands);
        }
      },
      op);
}

Arrays oracle(const op::Operator& op, const Arrays& operands) {
  Arrays values;
  for (Expected& expected : expect(op, operands)) values.push_back(std::move(expected.values));
  return values;
}

}  // namespace gemmetry::measure
