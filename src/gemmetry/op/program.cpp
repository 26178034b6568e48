#include "gemmetry/op/program.h"

#include <algorithm>
#include <cassert>

namespace gemmetry::op {

void TensorList::push_back(TensorId id) {
  assert(size_ < ids_.size());
  ids_[size_++] = id;
}

void Program::begin(Part part, shape::LayerKind kind, std::int64_t repeat) {
  segments_.push_back({part, kind, repeat, steps_.size(), steps_.size()});
}

TensorId Program::tensor(const Tensor& tensor) {
  tensors_.push_back(tensor);
  return static_cast<TensorId>(tensors_.size() - 1);
}

void Program::step(const Step& step) {
  assert(!segments_.empty());
  steps_.push_back(step);
  segments_.back().last_step = steps_.size();
}

void Program::end(TensorId result) { segments_.back().result = result; }

std::int64_t Program::count(std::size_t index) const {
  const auto after = std::upper_bound(segments_.begin(), segments_.end(), index,
                                      [](std::size_t i, const Segment& s) { return i < s.last_step; });
  assert(after != segments_.end());
  return after->repeat;
}

}  // namespace gemmetry::op
