#pragma once

#include <cstdint>
#include <vector>

#include "gemmetry/advise/search.h"
#include "gemmetry/advise/sizes.h"
#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::advise {

struct AttentionChoice {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  bool operator==(const AttentionChoice&) const = default;
};

/// What may be chosen, each size from its own list, at one hidden size. A shape takes one of each.
struct Choices {
  std::int64_t hidden = 0;
  std::vector<std::int64_t> layers;
  std::vector<AttentionChoice> attention;
  std::vector<std::int64_t> ffn;    ///< ascending
  std::vector<std::int64_t> vocab;  ///< ascending

  Sizes sizes(std::int64_t depth, const AttentionChoice& heads, std::int64_t width, std::int64_t words) const {
    return {hidden, depth, heads.heads, heads.kv_heads, heads.head_dim, width, words};
  }
  std::int64_t shapes() const;
};

/// The shapes a search looks at: around the given model, within the bands of the options, and only those that the
/// workload's parallel degrees can split.
class Space {
 public:
  /// Refers to `model` and `workload`, which must outlive it. Error when nothing is free.
  Space(const shape::Model& model, const shape::Workload& workload, const SearchOptions& options);

  const shape::Model& model() const { return model_; }
  const Sizes& origin() const { return origin_; }
  const std::vector<std::int64_t>& hidden() const { return hidden_; }
  Choices at(std::int64_t hidden) const;

  // Bounds of a candidate's parameters.
  std::int64_t least_parameters() const { return least_; }
  std::int64_t most_parameters() const { return most_; }

 private:
  struct Band {
    double low;
    double high;
    bool holds(double value) const { return low <= value && value <= high; }
  };
  std::vector<std::int64_t> hidden_choices() const;
  std::vector<std::int64_t> layer_choices(std::int64_t hidden) const;
  std::vector<AttentionChoice> attention_choices(std::int64_t hidden) const;
  std::vector<std::int64_t> ffn_choices(std::int64_t hidden) const;
  std::vector<std::int64_t> vocab_choices() const;
  bool possible(const Sizes& sizes) const;

  const shape::Model& model_;
  const shape::Workload& workload_;
  Sizes origin_;
  Free free_;
  std::vector<std::int64_t> head_dims_;
  Band ffn_over_hidden_;
  Band depth_over_width_;
  std::int64_t least_;
  std::int64_t most_;
  std::vector<std::int64_t> hidden_;
};

}  // namespace gemmetry::advise
