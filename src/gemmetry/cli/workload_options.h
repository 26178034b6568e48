#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <vector>

#include "gemmetry/gpu/gpu.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::cli {

/// Tokens a sequence has unless said: 2048, or as many positions as the model states. And the cache it has in decode,
/// which leaves positions for the new ones.
std::int64_t default_sequence(const shape::Model& model);
std::int64_t default_cache(const shape::Model& model, std::int64_t new_tokens = 1);

/// What is run with the model, and over how many GPUs.
class WorkloadOptions {
 public:
  explicit WorkloadOptions(shape::Phase phase) { workload_.phase = phase; }

  /// `several_degrees`: --tp takes a list.
  void add_to(CLI::App& app, bool several_degrees = false);

  /// The workload for this model on this GPU: 2048 tokens unless said, fewer where the model has fewer positions; bf16
  /// unless said, fp16 where the GPU has no bf16. Checked against the model.
  shape::Workload workload(const shape::Model& model, const gpu::Gpu& gpu) const;

  /// Another phase, unless one was stated.
  void set_default(shape::Phase phase) {
    if (!states_phase_) workload_.phase = phase;
  }

  shape::Phase phase() const { return workload_.phase; }

  /// The tensor-parallel degrees given, one unless several_degrees.
  const std::vector<std::int64_t>& tensor_parallel() const { return tensor_parallel_; }
  bool states_data_parallel() const { return states_data_parallel_; }

 private:
  shape::Workload workload_;
  std::optional<std::int64_t> sequence_, cache_;
  std::vector<std::int64_t> tensor_parallel_{1};
  bool states_data_parallel_ = false;
  bool states_dtype_ = false;
  bool states_phase_ = false;
};

}  // namespace gemmetry::cli
