#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "gemmetry/advise/space.h"
#include "gemmetry/op/cost_model.h"
#include "gemmetry/op/lower.h"

namespace gemmetry::advise {

/// A sink that keeps nothing but the sum of its steps' times. Operators priced before, since `clear`, are looked up.
class TimeSum final : public op::Sink {
 public:
  explicit TimeSum(const op::CostModel& costs) : costs_(costs) {}

  void begin(op::Part, shape::LayerKind, std::int64_t) override {}
  op::TensorId tensor(const op::Tensor&) override { return 0; }
  void step(const op::Step& step) override;
  void end(op::TensorId) override {}

  /// Seconds summed since the last call.
  double take();
  /// Whether to remember prices. Operators that occur once only would fill the table.
  void remember(bool on) { remember_ = on; }
  void clear() { known_.clear(); }
  /// Hashes of the matrix products priced, with repetitions after a `clear`.
  const std::vector<std::size_t>& products() const { return products_; }

 private:
  const op::CostModel& costs_;
  std::unordered_map<op::Operator, double, op::OperatorHash> known_;
  std::vector<std::size_t> products_;
  double time_s_ = 0;
  bool remember_ = true;
};

/// Seconds of the parts of a step for every choice at one hidden size. A part is lowered and priced when it is first
/// asked for, by op::lower_part, and depends on what its comment says: so the time of a shape is a sum of a few
/// numbers.
class PartTimes {
 public:
  PartTimes(const shape::Model& from, const shape::Workload& workload, const op::CostModel& costs);

  /// Starts over with the choices of another hidden size; they must stay alive.
  void start(const Choices& choices);
  /// Times that follow are of models with this many layers.
  void set_layers(std::int64_t layers);

  // Seconds in a whole step, repeats included. Indices are those of the choices.
  double attention(std::size_t choice);
  double ffn(std::size_t choice);
  double ends(std::size_t vocab);  ///< embedding and output
  /// Seconds of the optimizer update, which depends on the whole model: lowered and priced each time.
  double update(const shape::Model& candidate);

  const std::vector<std::size_t>& products() const { return sum_.products(); }

 private:
  struct OfKind {
    shape::LayerKind kind;
    std::vector<double> attention;  ///< of one layer, NaN until priced
    std::vector<double> ffn;
    double attention_repeats = 0;
    double ffn_repeats = 0;
  };
  double part(op::Part part, shape::LayerKind kind, const shape::Model& model);

  const shape::Model& from_;
  const shape::Workload& workload_;
  const Choices* choices_ = nullptr;
  shape::Model scratch_;
  TimeSum sum_;
  std::vector<OfKind> kinds_;
  std::vector<double> embedding_;
  std::vector<double> output_;
  double embedding_repeats_ = 0;
  double output_repeats_ = 0;
  double update_repeats_ = 0;
};

}  // namespace gemmetry::advise
