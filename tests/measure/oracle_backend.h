#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "gemmetry/measure/backend.h"
#include "gemmetry/measure/fill_value.h"
#include "gemmetry/measure/oracle.h"
#include "gemmetry/measure/rounding.h"

namespace gemmetry::measure {

/// A device that computes what the oracle does, rounded to the operands' elements, or what a test puts in its place.
class OracleBackend : public Backend {
 public:
  std::function<Arrays(const op::Operator&, Arrays)> compute = [](const op::Operator& op, Arrays operands) {
    return oracle(op, operands);
  };
  Status refuse_plan;
  Status refuse_allocate;
  Status refuse_run;
  std::vector<op::Operator> planned;
  std::int64_t allocated = 0;

  Status describe(DeviceInfo& info) noexcept override {
    info = {};
    return {};
  }
  Status allocate(std::int64_t bytes, void** buffer) noexcept override {
    if (!refuse_allocate.ok()) return refuse_allocate;
    ++allocated;
    *buffer = std::malloc(static_cast<std::size_t>(bytes) + 1);
    return {};
  }
  void release(void* buffer) noexcept override {
    --allocated;
    std::free(buffer);
  }
  Status fill(void* buffer, const Operand& operand, std::uint64_t seed) noexcept override {
    if (operand.fill == Fill::none || operand.fill == Fill::forward) {
      std::memset(buffer, 0xff, static_cast<std::size_t>(operand.bytes()));
      return {};
    }
    for (std::int64_t i = 0; i < operand.elements(); ++i)
      store(operand.element, buffer, i, static_cast<float>(fill_value(operand, seed, i)));
    return {};
  }
  Status read(const void* buffer, Element element, const std::int64_t* indices, std::int64_t count,
              double* values) noexcept override {
    for (std::int64_t i = 0; i < count; ++i)
      values[i] = static_cast<double>(load(element, buffer, indices ? indices[i] : i));
    return {};
  }
  Status plan(const op::Operator& op, const char*, Plan** plan) noexcept override {
    if (!refuse_plan.ok()) return refuse_plan;
    planned.push_back(op);
    *plan = new OraclePlan(op);
    return {};
  }
  Status algorithms(const op::Operator&, AlgorithmInfo*, std::int32_t, std::int32_t* found) noexcept override {
    *found = 0;
    return {};
  }
  Status prepare(const Call&) noexcept override { return {}; }
  Status run(const Call* calls, std::int32_t count) noexcept override {
    if (!refuse_run.ok()) return refuse_run;
    for (std::int32_t i = 0; i < count; ++i) run(calls[i]);
    return {};
  }
  Status record(const Call*, std::int32_t, Replay, Recording**) noexcept override { return {StatusCode::unsupported}; }
  Status time(Recording*, std::int32_t, double*) noexcept override { return {StatusCode::unsupported}; }

 private:
  struct OraclePlan : Plan {
    explicit OraclePlan(const op::Operator& planned_op) : op(planned_op) {}
    const AlgorithmInfo& algorithm() const noexcept override { return info; }
    op::Operator op;
    AlgorithmInfo info;
  };

  void run(const Call& call) {
    const op::Operator& op = static_cast<const OraclePlan*>(call.plan)->op;
    const std::vector<Operand> described = operands(op);
    Arrays arrays;
    for (std::size_t i = 0; i < described.size(); ++i) {
      arrays.emplace_back(static_cast<std::size_t>(described[i].elements()));
      (void)read(call.operands[i], described[i].element, nullptr, described[i].elements(), arrays[i].data());
    }
    const Arrays results = compute(op, arrays);
    for (std::size_t i = 0; i < described.size(); ++i)
      for (std::size_t e = 0; e < results[i].size(); ++e)
        store(described[i].element, call.operands[i], static_cast<std::int64_t>(e), static_cast<float>(results[i][e]));
  }
};

inline Status refusal(StatusCode code, const char* message) {
  Status status{code};
  std::snprintf(status.message, sizeof status.message, "%s", message);
  return status;
}

}  // namespace gemmetry::measure
