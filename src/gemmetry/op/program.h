#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "gemmetry/op/module.h"
#include "gemmetry/op/operator.h"
#include "gemmetry/shape/model.h"

namespace gemmetry::op {

enum class Role {
  tokens,  ///< indices into the vocabulary
  weight,
  activation,  ///< made and used inside one part
  carried,     ///< handed from part to part by name: "hidden", and in layers with parallel residual "branch input"
  gradient,
  cache,  ///< keys and values of earlier tokens
};

/// A row-major matrix that steps read and write: `rows` by `columns` elements.
struct Tensor {
  std::string_view name;  ///< a literal: "hidden", "qkv weight", ...
  Role role = Role::activation;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  Dtype dtype = Dtype::bf16;
};

using TensorId = std::int32_t;
inline constexpr TensorId no_tensor = -1;

/// Up to eight tensors, without allocation.
class TensorList {
 public:
  TensorList() = default;
  TensorList(std::initializer_list<TensorId> ids) {
    for (const TensorId id : ids) push_back(id);
  }
  void push_back(TensorId id);
  const TensorId* begin() const { return ids_.data(); }
  const TensorId* end() const { return ids_.data() + size_; }
  std::size_t size() const { return size_; }
  TensorId operator[](std::size_t i) const { return ids_[i]; }

 private:
  std::array<TensorId, 8> ids_{};
  std::size_t size_ = 0;
};

/// One operator at its place in the model.
struct Step {
  Module module = Module::input_embedding;
  std::string_view
      detail;  ///< which of several products of a module, a literal: "query", "gate", "expert up"; may be empty
  Pass pass = Pass::forward;
  Operator op;
  TensorList inputs;
  TensorList outputs;
};

/// The parts a model is lowered in. All layers of one kind have the same attention and FFN part.
enum class Part { embedding, attention, ffn, output, update };

/// A run of steps that is executed `repeat` times, with other weights each time.
struct Segment {
  Part part = Part::embedding;
  shape::LayerKind kind;
  std::int64_t repeat = 1;
  std::size_t first_step = 0;
  std::size_t last_step = 0;    ///< one past
  TensorId result = no_tensor;  ///< what the next part takes as its carried "hidden"
};

/// Receives a model's steps as they are lowered, part by part.
class Sink {
 public:
  virtual ~Sink() = default;
  /// All that follows, to the next call, belongs to this part and is executed `repeat` times.
  virtual void begin(Part part, shape::LayerKind kind, std::int64_t repeat) = 0;
  /// Announces a tensor and names it.
  virtual TensorId tensor(const Tensor& tensor) = 0;
  virtual void step(const Step& step) = 0;
  /// The part is complete; `result` is its new hidden state, if it makes one.
  virtual void end(TensorId result) = 0;
};

/// The sink that keeps everything.
class Program final : public Sink {
 public:
  void begin(Part part, shape::LayerKind kind, std::int64_t repeat) override;
  TensorId tensor(const Tensor& tensor) override;
  void step(const Step& step) override;
  void end(TensorId result) override;

  const std::vector<Tensor>& tensors() const { return tensors_; }
  const std::vector<Step>& steps() const { return steps_; }
  const std::vector<Segment>& segments() const { return segments_; }

  /// How often step `index` runs in the whole model.
  std::int64_t count(std::size_t index) const;

 private:
  std::vector<Tensor> tensors_;
  std::vector<Step> steps_;
  std::vector<Segment> segments_;
};

}  // namespace gemmetry::op
