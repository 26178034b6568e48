#pragma once

#include <cstdint>
#include <string_view>
#include <tuple>

#include "gemmetry/op/field.h"
#include "gemmetry/shape/dtype.h"
#include "gemmetry/shape/model.h"

namespace gemmetry::op {

using shape::Dtype;

// Operators whose time is the memory they move. Their FLOP is counted as 0: the paper's convention, in which only
// products and fused attention count.

/// LayerNorm or RMSNorm of `rows` rows of `width`.
struct Norm {
  std::int64_t rows = 0;
  std::int64_t width = 0;
  shape::NormKind norm = shape::NormKind::layer_norm;
  bool backward = false;
  Dtype dtype = Dtype::bf16;

  static constexpr std::string_view kind = "norm";
  static constexpr auto fields() {
    return std::make_tuple(Field{"rows", &Norm::rows, true}, Field{"width", &Norm::width, true},
                           Field{"norm", &Norm::norm, false}, Field{"backward", &Norm::backward, false},
                           Field{"dtype", &Norm::dtype, false});
  }
  bool operator==(const Norm&) const = default;
};

/// Scale, mask and softmax of `rows` rows of `columns` scores in one kernel (unfused attention), or, without mask, the
/// softmax alone (eager attention, in fp32).
struct Softmax {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  bool masked = true;  ///< scale and causal mask are part of it
  bool backward = false;
  Dtype dtype = Dtype::bf16;

  static constexpr std::string_view kind = "softmax";
  static constexpr auto fields() {
    return std::make_tuple(Field{"rows", &Softmax::rows, true}, Field{"columns", &Softmax::columns, true},
                           Field{"masked", &Softmax::masked, false}, Field{"backward", &Softmax::backward, false},
                           Field{"dtype", &Softmax::dtype, false});
  }
  bool operator==(const Softmax&) const = default;
};

/// The FFN's activation over `rows` rows of `width` results; gated reads two inputs per result (SwiGLU, GeGLU).
struct Activation {
  std::int64_t rows = 0;
  std::int64_t width = 0;
  shape::Activation function = shape::Activation::gelu;
  bool gated = false;
  bool backward = false;
  Dtype dtype = Dtype::bf16;

  static constexpr std::string_view kind = "activation";
  static constexpr auto fields() {
    return std::make_tuple(Field{"rows", &Activation::rows, true}, Field{"width", &Activation::width, true},
                           Field{"function", &Activation::function, false}, Field{"gated", &Activation::gated, false},
                           Field{"backward", &Activation::backward, false}, Field{"dtype", &Activation::dtype, false});
  }
  bool operator==(const Activation&) const = default;
};

/// Rotation of the first `dim` elements of `heads` query and key heads of `tokens` tokens, in place.
struct Rotary {
  std::int64_t tokens = 0;
  std::int64_t heads = 0;  ///< query and key heads together
  std::int64_t dim = 0;    ///< rotated part of a head
  bool backward = false;
  Dtype dtype = Dtype::bf16;

  static constexpr std::string_view kind = "rotary";
  static constexpr auto fields() {
    return std::make_tuple(Field{"tokens", &Rotary::tokens, true}, Field{"heads", &Rotary::heads, true},
                           Field{"dim", &Rotary::dim, true}, Field{"backward", &Rotary::backward, false},
                           Field{"dtype", &Rotary::dtype, false});
  }
  bool operator==(const Rotary&) const = default;
};

/// x + branch over `rows` rows of `width`, with dropout of the branch when asked (its mask a byte an element) and the
/// branch's bias added in the same kernel when asked.
struct Residual {
  std::int64_t rows = 0;
  std::int64_t width = 0;
  bool dropout = false;
  bool backward = false;  ///< with dropout: the mask applied to the gradient
  Dtype dtype = Dtype::bf16;
  bool bias = false;

  static constexpr std::string_view kind = "residual";
  static constexpr auto fields() {
    return std::make_tuple(Field{"rows", &Residual::rows, true}, Field{"width", &Residual::width, true},
                           Field{"dropout", &Residual::dropout, false}, Field{"backward", &Residual::backward, false},
                           Field{"dtype", &Residual::dtype, false}, Field{"bias", &Residual::bias, false});
  }
  bool operator==(const Residual&) const = default;
};

/// Rows of a table looked up for `tokens` tokens; backward adds gradients into the table's rows.
struct Embedding {
  std::int64_t tokens = 0;
  std::int64_t width = 0;
  bool positions = false;  ///< a learned position row is added
  bool backward = false;
  Dtype dtype = Dtype::bf16;

  static constexpr std::string_view kind = "embedding";
  static constexpr auto fields() {
    return std::make_tuple(Field{"tokens", &Embedding::tokens, true}, Field{"width", &Embedding::width, true},
                           Field{"positions", &Embedding::positions, false},
                           Field{"backward", &Embedding::backward, false}, Field{"dtype", &Embedding::dtype, false});
  }
  bool operator==(const Embedding&) const = default;
};

/// Cross-entropy of `rows` rows of `vocab` logits; backward writes the logits' gradient.
struct CrossEntropy {
  std::int64_t rows = 0;
  std::int64_t vocab = 0;
  bool backward = false;
  Dtype dtype = Dtype::bf16;

  static constexpr std::string_view kind = "cross_entropy";
  static constexpr auto fields() {
    return std::make_tuple(Field{"rows", &CrossEntropy::rows, true}, Field{"vocab", &CrossEntropy::vocab, true},
                           Field{"backward", &CrossEntropy::backward, false},
                           Field{"dtype", &CrossEntropy::dtype, false});
  }
  bool operator==(const CrossEntropy&) const = default;
};

/// AdamW update of `parameters` parameters: gradient read; fp32 master weight and both moments read and written; weight
/// written.
struct Optimizer {
  std::int64_t parameters = 0;
  Dtype dtype = Dtype::bf16;

  static constexpr std::string_view kind = "optimizer";
  static constexpr auto fields() {
    return std::make_tuple(Field{"parameters", &Optimizer::parameters, true}, Field{"dtype", &Optimizer::dtype, false});
  }
  bool operator==(const Optimizer&) const = default;
};

/// What a plain elementwise kernel does, for its name; its cost is its bytes.
enum class Function { copy, scale, mask, cast, add, append, permute, combine, top_k, soft_cap };

/// A kernel that reads `read_bytes` and writes `write_bytes` for each of `elements` elements.
struct Pointwise {
  Function function = Function::copy;
  std::int64_t elements = 0;
  double read_bytes = 2;
  double write_bytes = 2;

  static constexpr std::string_view kind = "pointwise";
  static constexpr auto fields() {
    return std::make_tuple(
        Field{"function", &Pointwise::function, false}, Field{"elements", &Pointwise::elements, true},
        Field{"read_bytes", &Pointwise::read_bytes, false}, Field{"write_bytes", &Pointwise::write_bytes, false});
  }
  bool operator==(const Pointwise&) const = default;
};

/// Compulsory traffic of each: inputs read once, results written once.
double bytes(const Norm& norm);
double bytes(const Softmax& softmax);
double bytes(const Activation& activation);
double bytes(const Rotary& rotary);
double bytes(const Residual& residual);
double bytes(const Embedding& embedding);
double bytes(const CrossEntropy& cross_entropy);
double bytes(const Optimizer& optimizer);
double bytes(const Pointwise& pointwise);

std::string_view name(Function function);
Function function_from_name(std::string_view name);  ///< Error naming the choices

}  // namespace gemmetry::op
