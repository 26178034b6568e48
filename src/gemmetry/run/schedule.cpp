#include "gemmetry/run/schedule.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <utility>

namespace gemmetry::run {
namespace {

constexpr std::size_t no_array = static_cast<std::size_t>(-1);

class Scheduler {
 public:
  Scheduler(const op::Program& program, const std::vector<Script>& scripts) : program_(program), scripts_(scripts) {}

  /// Appends a part; its hidden state, and what attention hands to the FFN, pass from part to part.
  void add(std::size_t segment, std::int64_t layer) {
    const Script& script = scripts_[segment];
    arrays_.clear();
    if (script.hidden != op::no_tensor) {
      arrays_[script.hidden] = hidden_;
      schedule.carried.push_back(hidden_);
    }
    if (script.branch_input != op::no_tensor) arrays_[script.branch_input] = branch_;
    for (std::size_t i = 0; i < script.launches.size(); ++i) {
      Scheduled& scheduled = schedule.launches.emplace_back(Scheduled{segment, i, layer, {}});
      for (const Argument& argument : script.launches[i].arguments)
        if (const auto* tensor = std::get_if<op::TensorId>(&argument.what))
          scheduled.arrays.push_back(use(*tensor, argument.element));
    }
    if (script.branch_output != op::no_tensor) branch_ = arrays_.at(script.branch_output);
    if (script.result != op::no_tensor) hidden_ = arrays_.at(script.result);
    schedule.result = hidden_;
  }

  Schedule schedule;

 private:
  /// The array of a tensor of this part, which lives at least until the launch that is being added.
  std::size_t use(op::TensorId id, measure::Element element) {
    const std::size_t now = schedule.launches.size() - 1;
    auto [place, is_new] = arrays_.try_emplace(id, schedule.arrays.size());
    if (is_new) {
      const op::Tensor& tensor = program_.tensors()[static_cast<std::size_t>(id)];
      schedule.arrays.push_back({tensor.rows * tensor.columns * element_bytes(element), now, now});
    }
    schedule.arrays[place->second].last = now;
    return place->second;
  }

  const op::Program& program_;
  const std::vector<Script>& scripts_;
  std::map<op::TensorId, std::size_t> arrays_;  ///< of the part that is being added
  std::size_t hidden_ = no_array;
  std::size_t branch_ = no_array;
};

std::size_t segment_of(const op::Program& program, op::Part part, shape::LayerKind kind) {
  const auto& segments = program.segments();
  const auto found = std::find_if(segments.begin(), segments.end(), [&](const op::Segment& s) {
    return s.part == part && (s.kind == kind || part == op::Part::embedding || part == op::Part::output);
  });
  assert(found != segments.end());
  return static_cast<std::size_t>(found - segments.begin());
}

}  // namespace

Schedule schedule_of(const op::Program& program, const std::vector<Script>& scripts, const shape::Model& model) {
  Scheduler scheduler(program, scripts);
  scheduler.add(segment_of(program, op::Part::embedding, {}), 0);
  for (std::int64_t layer = 0; layer < model.layers; ++layer) {
    const shape::LayerKind kind = shape::layer_kind(model, layer);
    scheduler.add(segment_of(program, op::Part::attention, kind), layer);
    scheduler.add(segment_of(program, op::Part::ffn, kind), layer);
  }
  scheduler.add(segment_of(program, op::Part::output, {}), 0);
  Schedule schedule = std::move(scheduler.schedule);
  schedule.arrays[schedule.result].last = schedule.launches.size();
  return schedule;
}

}  // namespace gemmetry::run
