#include "gemmetry/study/model_part.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "gemmetry/base/error.h"
#include "gemmetry/op/limits.h"
#include "gemmetry/op/lower.h"

namespace gemmetry::study {
namespace {

using op::Module;

constexpr std::string_view layer = "layer";
constexpr std::string_view attention_block = "attention block";
constexpr std::string_view whole_model = "model";
constexpr std::string_view separator = " + ";

std::vector<Module> all_modules() {
  std::vector<Module> modules;
  for (int i = 0; i <= static_cast<int>(Module::data_parallel); ++i) modules.push_back(static_cast<Module>(i));
  return modules;
}

std::optional<Module> module_of_name(std::string_view name) {
  for (const Module module : all_modules())
    if (op::name(module) == name) return module;
  return std::nullopt;
}

bool stands_outside_of_layers(Module module) {
  switch (module) {
    case Module::input_embedding:
    case Module::final_norm:
    case Module::linear_output:
    case Module::loss:
    case Module::optimizer:
    case Module::pipeline_parallel:
    case Module::data_parallel:
      return true;
    default:
      return false;
  }
}

/// Counts operators, of one module or of all.
class Counter final : public op::Sink {
 public:
  explicit Counter(std::optional<Module> only) : only_(only) {}

  void begin(op::Part, shape::LayerKind, std::int64_t repeat) override { repeat_ = static_cast<double>(repeat); }
  op::TensorId tensor(const op::Tensor&) override { return tensors_++; }
  void step(const op::Step& step) override {
    if (only_ && step.module != *only_) return;
    const std::size_t key = op::hash(step.op);
    for (std::size_t i = 0; i < hashes_.size(); ++i)
      if (hashes_[i] == key && operators_[i].op == step.op) {
        operators_[i].count += repeat_;
        return;
      }
    op::require_priceable(step.op);
    hashes_.push_back(key);
    operators_.push_back({step.op, repeat_});
  }
  void end(op::TensorId) override {}

  std::vector<CountedOperator> take() { return std::move(operators_); }

 private:
  std::optional<Module> only_;
  double repeat_ = 1;
  op::TensorId tensors_ = 0;
  std::vector<std::size_t> hashes_;
  std::vector<CountedOperator> operators_;
};

std::vector<CountedOperator> operators_of_one(std::string_view part, const shape::Model& model,
                                              const shape::Workload& workload) {
  const std::optional<Module> module = module_of_name(part);
  Counter counter(module);
  if (part == whole_model || (module && stands_outside_of_layers(*module))) {
    op::lower(model, workload, counter);
  } else {
    const shape::LayerKind kind = shape::layer_kind(model, 0);
    op::lower_part(op::Part::attention, kind, model, workload, counter);
    if (part != attention_block) op::lower_part(op::Part::ffn, kind, model, workload, counter);
  }
  std::vector<CountedOperator> operators = counter.take();
  if (operators.empty()) throw Error(fmt::format("part '{}': no such operator runs in this model and workload", part));
  return operators;
}

}  // namespace

std::vector<std::string> part_names() {
  std::vector<std::string> names{std::string(layer), std::string(attention_block), std::string(whole_model)};
  for (const Module module : all_modules()) names.emplace_back(op::name(module));
  return names;
}

std::vector<std::string> parts_of(std::string_view text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    parts.emplace_back(text.substr(at, end - at));
    at = end + separator.size();
  }
  return parts;
}

std::vector<CountedOperator> operators_of(std::string_view parts, const shape::Model& model,
                                          const shape::Workload& workload) {
  std::vector<CountedOperator> all;
  for (const std::string& part : parts_of(parts))
    for (CountedOperator& more : operators_of_one(part, model, workload)) {
      const auto known =
          std::find_if(all.begin(), all.end(), [&](const CountedOperator& one) { return one.op == more.op; });
      if (known == all.end())
        all.push_back(std::move(more));
      else
        known->count += more.count;
    }
  return all;
}

std::vector<op::Module> modules_of(std::string_view parts) {
  std::vector<Module> modules;
  for (const std::string& part : parts_of(parts)) {
    const std::optional<Module> module = module_of_name(part);
    if (!module) return {};
    modules.push_back(*module);
  }
  return modules;
}

std::optional<measure::WholeKind> whole_kind(std::string_view part) {
  if (part == layer) return measure::WholeKind::layer;
  if (part == attention_block) return measure::WholeKind::attention;
  if (part == whole_model) return measure::WholeKind::model;
  return std::nullopt;
}

}  // namespace gemmetry::study
