#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gemmetry/measure/kernel.h"
#include "gemmetry/op/operator.h"
#include "gemmetry/op/program.h"
#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::run {

/// Arrays of a launch that are neither weights nor made by another launch.
enum class Input { tokens, positions, slots, lengths, sequence_slots, last_rows, rotation, key_cache, value_cache };

/// What a launch works on, before it has an address.
struct Argument {
  std::variant<Input, op::TensorId, std::string> what;  ///< a tensor of the program, or a weight array's name
  std::int64_t offset = 0;                              ///< elements from its beginning
  measure::Element element = measure::Element::bf16;
};

/// A kernel, or an operator that needs to know nothing of its place.
using Work = std::variant<measure::Kernel, op::Operator>;

/// One piece of work that a step of the program became, or several that it does at once.
struct Launch {
  std::size_t step = 0;  ///< in the program: the first of them
  Work work;
  std::vector<Argument> arguments;
  std::string_view detail;  ///< of several steps: what it does, in place of the step's own; a literal
};

/// The launches of one part of a model, the same for each layer of a kind. What is done in place is the same tensor
/// before and after; views of a product are that product.
struct Script {
  std::vector<Launch> launches;
  op::TensorId hidden = op::no_tensor;         ///< taken from the part before
  op::TensorId branch_input = op::no_tensor;   ///< FFN: taken from attention, where both start from the same
  op::TensorId branch_output = op::no_tensor;  ///< attention: what the FFN takes so
  op::TensorId result = op::no_tensor;  ///< handed on; of the output part: logits, or hidden states without a head
};

struct ScriptOptions {
  std::int64_t capacity = 0;          ///< tokens that a slot of the cache has; 0 without one
  bool fused_steps = false;           ///< several steps in one launch, see ExecutorOptions
  bool activated_products = true;     ///< of fused steps: products that compute the activation behind them
  bool any_slots = false;             ///< decode: sequences read any slots of the cache, see ExecutorOptions
  std::int32_t attention_splits = 0;  ///< decode: of attention's keys, see ExecutorOptions
};

/// Turns the steps of one part into launches. Error for a step that cannot be executed.
Script script_of(const op::Program& program, const op::Segment& segment, const shape::Model& model,
                 const shape::Workload& workload, ScriptOptions options);

}  // namespace gemmetry::run
