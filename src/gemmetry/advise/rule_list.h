#pragma once

#include <string_view>
#include <vector>

#include "gemmetry/advise/case.h"
#include "gemmetry/advise/rules.h"

namespace gemmetry::advise {

// Each rule judges one case. It returns nothing where it does not apply; rule and section are filled in from the list.

// rules_sizes.cpp: sizes that a product sees as a dimension.
std::vector<Finding> vocabulary(const Case& of);
std::vector<Finding> tokens(const Case& of);
std::vector<Finding> hidden_per_rank(const Case& of);

// rules_heads.cpp
std::vector<Finding> head_dim(const Case& of);
std::vector<Finding> batch_heads(const Case& of);
std::vector<Finding> heads_per_rank(const Case& of);
std::vector<Finding> kv_heads_per_rank(const Case& of);

// rules_ffn.cpp
std::vector<Finding> ffn_width(const Case& of);
std::vector<Finding> swiglu(const Case& of);

// rules_memory.cpp: how the workload fits the GPUs.
std::vector<Finding> microbatch(const Case& of);
std::vector<Finding> smallest_tensor_parallel(const Case& of);
std::vector<Finding> layers_per_stage(const Case& of);
std::vector<Finding> sequence_per_rank(const Case& of);

struct Rule {
  std::string_view key;
  std::string_view section;
  std::vector<Finding> (*judge)(const Case&);
};

/// In the order of section VI-B's list, then section VII.
inline constexpr Rule rules[] = {
    {"vocabulary", "VI-B", vocabulary},
    {"microbatch", "VI-B", microbatch},
    {"tokens", "VI-B", tokens},
    {"head_dim", "VI-B", head_dim},
    {"hidden_per_rank", "VI-B", hidden_per_rank},
    {"ffn_width", "VI-B", ffn_width},
    {"batch_heads", "VI-B", batch_heads},
    {"heads_per_rank", "VI-B", heads_per_rank},
    {"kv_heads_per_rank", "VI-B", kv_heads_per_rank},
    {"sequence_per_rank", "VI-B", sequence_per_rank},
    {"tensor_parallel", "VI-B", smallest_tensor_parallel},
    {"layers_per_stage", "VI-B", layers_per_stage},
    {"swiglu", "VII-B", swiglu},
};

/// Section VII-A, over several degrees at once: which of them the model runs at, and the nearest sizes that run at all.
/// `degrees` are those asked for; those of usual nodes (2, 4, 8) are looked at as well.
std::vector<Finding> portability(const shape::Model& model, const shape::Workload& workload, const gpu::Gpu& gpu,
                                 const std::vector<std::int64_t>& degrees);

}  // namespace gemmetry::advise
