#pragma once

#include <algorithm>
#include <atomic>
#include <string>

#include "gemmetry/gpu/gpu.h"
#include "gemmetry/op/cost_model.h"

namespace gemmetry::test {

/// A GPU made up for tests: aligned from 8 elements on, round numbers.
inline gpu::Gpu fake_gpu() {
  gpu::Gpu gpu;
  gpu.name = "fake";
  gpu.sms = 100;
  gpu.tensor_flops[shape::Dtype::bf16] = 1e15;
  gpu.bandwidth = 4e12;
  gpu.memory_bytes = 140e9;
  gpu.alignment[2] = {{1, 0.3}, {2, 0.35}, {4, 0.5}, {8, 1}};
  return gpu;
}

/// A roofline with the alignment classes of `fake_gpu` on the contiguous dimensions of each operand, and two
/// microseconds a launch.
class FakeCosts final : public op::CostModel {
 public:
  op::Cost cost(const op::Operator& op) const override {
    calls.fetch_add(1, std::memory_order_relaxed);
    op::Cost cost;
    cost.flop = op::flop(op);
    cost.bytes = op::bytes(op);
    double efficiency = 0.8;
    if (const auto* gemm = std::get_if<op::Gemm>(&op)) {
      cost.error_class = op::ErrorClass::product;
      efficiency *= alignment(gemm->n) * alignment(gemm->layout == op::Layout::tn ? gemm->m : gemm->k);
    } else if (const auto* grouped = std::get_if<op::GroupedGemm>(&op)) {
      cost.error_class = op::ErrorClass::product;
      efficiency *= alignment(grouped->n) * alignment(grouped->k);
    } else if (const auto* attention = std::get_if<op::Attention>(&op)) {
      cost.error_class = op::ErrorClass::attention;
      // Short heads leave the tensor cores waiting; the fake says by how much.
      efficiency *= static_cast<double>(attention->head_dim) / (static_cast<double>(attention->head_dim) + 32);
    } else {
      cost.error_class =
          std::holds_alternative<op::Collective>(op) ? op::ErrorClass::collective : op::ErrorClass::pointwise;
    }
    const double bandwidth = std::holds_alternative<op::Collective>(op) ? 4e11 : 3e12;
    cost.time_s = std::max(cost.flop / (1e15 * efficiency), cost.bytes / bandwidth) + 2e-6;
    cost.error = {.shared = 0.05, .independent = 0.02};
    return cost;
  }
  std::string reason(const op::Operator&) const override { return "made up"; }
  std::string source() const override { return "fake"; }

  mutable std::atomic<std::int64_t> calls = 0;

 private:
  static double alignment(std::int64_t size) {
    if (size % 8 == 0) return 1;
    return size % 4 == 0 ? 0.5 : size % 2 == 0 ? 0.35 : 0.3;
  }
};

}  // namespace gemmetry::test
