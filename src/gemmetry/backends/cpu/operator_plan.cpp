#include "gemmetry/backends/cpu/operator_plan.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <tuple>
#include <type_traits>

#include "gemmetry/backends/cpu/status.h"

namespace gemmetry::backends::cpu {
namespace {

using measure::Status;
using measure::StatusCode;

template <class Op>
constexpr bool is_product = std::is_same_v<Op, op::Gemm> || std::is_same_v<Op, op::GroupedGemm>;

template <class Op>
constexpr bool has_forward =
    std::is_same_v<Op, op::Attention> || std::is_same_v<Op, op::Norm> || std::is_same_v<Op, op::CrossEntropy>;

bool is_product_operator(const op::Operator& op) {
  return std::holds_alternative<op::Gemm>(op) || std::holds_alternative<op::GroupedGemm>(op);
}

/// The first of the operator's whole numbers that is negative, by its name.
const char* negative(const op::Operator& op, std::int64_t& value) {
  const char* found = nullptr;
  std::visit(
      [&](const auto& one) {
        std::apply(
            [&](const auto&... field) {
              const auto look = [&](std::string_view name, const auto& member) {
                if constexpr (std::is_same_v<std::decay_t<decltype(member)>, std::int64_t>)
                  if (member < 0 && !found) {
                    found = name.data();
                    value = member;
                  }
              };
              (look(field.name, one.*(field.member)), ...);
            },
            std::decay_t<decltype(one)>::fields());
      },
      op);
  return found;
}

Status unsupported(std::string_view message) { return status(StatusCode::unsupported, message); }

Status check(const op::Gemm& g) {
  if (g.epilogue == op::Epilogue::bias_gradient && g.layout != op::Layout::tn)
    return unsupported("epilogue bias_gradient belongs to layout tn");
  return {};
}

Status check(const op::GroupedGemm& g) { return g.experts > 0 ? Status{} : unsupported("experts = 0: use at least 1"); }

Status check(const op::Attention& a) {
  if (a.kv_heads > 0 && a.heads % a.kv_heads == 0 && a.head_dim > 0) return {};
  return unsupported(
      fmt::format("attention of heads = {}, kv_heads = {}, head_dim = {}: use heads that are a multiple "
                  "of kv_heads, and dimensions of at least 1",
                  a.heads, a.kv_heads, a.head_dim));
}

Status check(const op::CrossEntropy& c) { return c.vocab > 0 ? Status{} : unsupported("vocab = 0: use at least 1"); }

Status check(const op::Norm& n) { return n.width > 0 ? Status{} : unsupported("width = 0: use at least 1"); }

Status check(const op::Softmax& s) { return s.columns > 0 ? Status{} : unsupported("columns = 0: use at least 1"); }

Status check(const op::Collective&) { return unsupported("a collective needs several devices: the CPU is one"); }

template <class Op>
Status check(const Op&) {
  return {};
}

/// OpenBLAS counts in 32 bits.
template <class Op>
bool fits_openblas(const Op& op) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  if constexpr (std::is_same_v<Op, op::Gemm>) return std::max({op.m, op.n, op.k}) <= most;
  if constexpr (std::is_same_v<Op, op::GroupedGemm>) return std::max({op.rows, op.n, op.k}) <= most;
  return true;
}

}  // namespace

OperatorPlan::OperatorPlan(const op::Operator& op, Multiplier multiplier)
    : op_(op), multiplier_(multiplier), operands_(measure::operands(op)) {
  const bool blas = multiplier == Multiplier::openblas;
  put(algorithm_.library, blas ? "openblas" : "own");
  put(algorithm_.kernel, blas ? "sgemm" : "loops");
  put(algorithm_.key, key_of(multiplier));
  if (is_product_operator(op)) algorithm_.split_k = blas ? -1 : 1;
  algorithm_.workspace_bytes = widened_bytes(operands_);
}

void OperatorPlan::run(void* const* operands, void* workspace) const {
  const Arrays arrays = widen(operands_, operands, workspace);
  std::visit(
      [&](const auto& one) {
        using Op = std::decay_t<decltype(one)>;
        if constexpr (is_product<Op>)
          cpu::run(one, arrays, multiplier_);
        else if constexpr (!std::is_same_v<Op, op::Collective>)
          cpu::run(one, arrays);
      },
      op_);
  for (std::size_t i = 0; i < operands_.size(); ++i)
    if (operands_[i].use != measure::Use::in) narrow(operands_[i], arrays[i]);
}

void OperatorPlan::prepare(void* const* operands, void* workspace) const {
  const bool any = std::any_of(operands_.begin(), operands_.end(),
                               [](const auto& operand) { return operand.fill == measure::Fill::forward; });
  if (!any) return;
  const Arrays arrays = widen(operands_, operands, workspace);
  std::visit(
      [&](const auto& one) {
        if constexpr (has_forward<std::decay_t<decltype(one)>>) cpu::prepare(one, arrays);
      },
      op_);
  for (std::size_t i = 0; i < operands_.size(); ++i)
    if (operands_[i].fill == measure::Fill::forward) narrow(operands_[i], arrays[i]);
}

Status supports(const op::Operator& op, Multiplier multiplier) {
  std::int64_t value = 0;
  if (const char* name = negative(op, value))
    return unsupported(fmt::format("{} = {}: use a positive number", name, value));
  if (Status refused = std::visit([](const auto& one) { return check(one); }, op); !refused.ok()) return refused;
  constexpr double most_bytes = 1e18;
  if (op::bytes(op) > most_bytes)
    return status(StatusCode::out_of_memory, fmt::format("operands of {:.3g} bytes exceed any memory", op::bytes(op)));
  if (multiplier == Multiplier::openblas && !std::visit([](const auto& one) { return fits_openblas(one); }, op))
    return unsupported("OpenBLAS takes sizes up to 2147483647: use the algorithm 'loops'");
  return {};
}

std::vector<Multiplier> multipliers(const op::Operator& op) {
  if (is_product_operator(op)) return {Multiplier::openblas, Multiplier::loops};
  return {Multiplier::loops};
}

const char* key_of(Multiplier multiplier) { return multiplier == Multiplier::openblas ? "openblas" : "loops"; }

}  // namespace gemmetry::backends::cpu
