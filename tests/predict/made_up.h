#pragma once

#include "gemmetry/gpu/calibration.h"
#include "gemmetry/gpu/gpu.h"
#include "gemmetry/gpu/node.h"
#include "gemmetry/op/operator.h"
#include "gemmetry/predict/predictor.h"

namespace gemmetry::test {

/// A GPU of round numbers: 100 SMs of 10 TFLOP/s, 1 TB/s, 2 us a launch, an L2 that holds next to nothing.
inline gpu::Gpu round_gpu() {
  gpu::Gpu gpu;
  gpu.name = "round";
  gpu.generation = gpu::Generation::ampere;
  gpu.sms = 100;
  gpu.tensor_flops = {{shape::Dtype::bf16, 1e15}, {shape::Dtype::fp8, 2e15}};
  gpu.vector_flops = 5e13;
  gpu.bandwidth = 1e12;
  gpu.l2_bytes = 1;
  gpu.memory_bytes = 80e9;
  gpu.launch_graph_s = 2e-6;
  gpu.launch_stream_s = 5e-6;
  gpu.sustained_fraction = 0.8;
  gpu.alignment = {{1, {{1, 0.25}, {16, 1}}}, {2, {{1, 0.1}, {2, 0.5}, {8, 1}}}};
  return gpu;
}

/// One behaviour at a time: tensor cores at their peak, nothing else in the way.
inline gpu::Calibration round_calibration() {
  gpu::Calibration calibration;
  calibration.name = "round";
  calibration.gemm.l2_bytes_per_flop = 10;
  calibration.gemm.split_s = 1;  // never worth it
  calibration.misaligned_gemm = calibration.gemm;
  calibration.errors = {{"product", {0.03, 0.04}}};
  return calibration;
}

inline gpu::Node round_node() {
  gpu::Node node;
  node.name = "round-x4";
  node.gpu = "round";
  node.gpus = 4;
  node.intra_bandwidth = 100e9;
  node.intra_latency = 1e-6;
  node.inter_bandwidth = 40e9;
  node.inter_latency = 10e-6;
  return node;
}

inline predict::Predictor burst(const char* gpu) {
  return predict::Predictor::for_gpu(gpu, {gpu::Clocks::burst, predict::Launch::graph});
}

inline double tflops(const predict::Predictor& predictor, const op::Operator& op) {
  return op::flop(op) / predictor.cost(op).time_s / 1e12;
}

}  // namespace gemmetry::test
