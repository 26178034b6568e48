#pragma once

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "error_of.h"
#include "gemmetry/measure/record.h"
#include "scratch.h"

namespace gemmetry::measure {

template <std::size_t size>
void set_text(char (&target)[size], const char* text) {
  std::strncpy(target, text, size - 1);
}

/// A record in which every field is set, to numbers that no short decimal holds.
inline Record full_record(const op::Operator& op) {
  Record record;
  record.op = op;
  record.setting = {gpu::Clocks::sustained, Policy::tuned, Replay::stream, true};
  record.take = 2;
  record.measurement.samples_s = {1.0 / 3e6, 2.0 / 3e6, 0.1 + 0.2};
  record.measurement.median_s = 2.0 / 3e6;
  record.measurement.p10_s = 1.0 / 3e6;
  record.measurement.p90_s = 0.1 + 0.2;
  record.measurement.precision = 0.0123;
  record.measurement.ending = Ending::time_cap;
  record.measurement.calls_per_sample = 7;
  record.measurement.overhead_s = 1.0 / 7e6;
  record.measurement.clocks = {1980.5, 1755, 3201, 612.25, 61, "power+thermal"};
  record.samples = 3;
  set_text(record.algorithm.library, "cublasLt");
  set_text(record.algorithm.kernel, "66");
  set_text(record.algorithm.key, "v1, \"quoted\"\nsecond line");
  record.algorithm.id = 66;
  record.algorithm.tile_m = 128;
  record.algorithm.tile_n = 256;
  record.algorithm.stages = 4;
  record.algorithm.split_k = 1;
  record.algorithm.cluster_m = 2;
  record.algorithm.cluster_n = 1;
  record.algorithm.swizzle = 1;
  record.algorithm.waves = 1.0 / 3;
  record.algorithm.workspace_bytes = std::int64_t{1} << 33;
  record.error = 0.25;
  set_text(record.device.backend, "cuda");
  set_text(record.device.name, "NVIDIA H200");
  set_text(record.device.gpu, "h200");
  set_text(record.device.uuid, "GPU-1");
  set_text(record.device.driver, "580.1");
  set_text(record.device.runtime, "CUDA 13.0");
  set_text(record.device.products, "cublasLt 13.1.0");
  set_text(record.device.attention, "cuDNN 9.19.0");
  record.device.sms = 132;
  record.device.l2_bytes = 50 << 20;
  record.tool = "0.1.0";
  record.time = "2026-11-22T10:49:03Z";
  record.command = "gemmetry measure gemm --m 8,16";
  return record;
}

}  // namespace gemmetry::measure
