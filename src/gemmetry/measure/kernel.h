#pragma once

#include <cstdint>
#include <variant>

#include "gemmetry/measure/element.h"
#include "gemmetry/measure/gumbel_noise.h"
#include "gemmetry/op/attention.h"
#include "gemmetry/op/gemm.h"
#include "gemmetry/op/pointwise.h"

// Operators at their place in a model. An operator says what is computed and on how much; a kernel also says where in
// larger arrays its operands lie, the constants a model's config gives, and which tokens, positions and cache slots it
// works on. Plain data: it crosses the boundary to loaded backends.
//
// Strides are elements from the beginning of a row to the beginning of the next; 0: the rows are dense. An array's
// pointer is that of its first element, wherever in a larger array that lies. Operands come in the order in which each
// struct lists them; those in brackets only where its flags say so. Computed in fp32 and rounded once, as operators.

namespace gemmetry::measure {

/// A product: a, b, [bias], [x], c. `accumulate`: c += what is computed, in place of c =; `residual`: c = x + what is
/// computed, x lying as c does. `constant_b`: whatever runs before it in a recording writes neither b nor bias, as
/// where they are weights: they may be read before it has ended.
struct ProductKernel {
  op::Gemm gemm;
  std::int64_t a_stride = 0;
  std::int64_t b_stride = 0;
  std::int64_t c_stride = 0;
  std::int64_t a_batch = 0;  ///< elements from one of the batch's arrays to the next; 0: dense
  std::int64_t b_batch = 0;
  std::int64_t c_batch = 0;
  bool accumulate = false;
  bool residual = false;
  bool constant_b = false;
};

/// Which GELU: x times the normal distribution, or its tanh form.
enum class Gelu { tanh, erf };

/// A linear layer (nt, batch 1, epilogue none or bias) of at most `most_activated_rows` rows and the FFN's activation
/// behind it: a, b, [bias], c: c = f(a b^T + bias). `gated`: a, gate's b, [gate's bias], up's b, [up's bias], c:
/// c = f(a gate^T + bias) (a up^T + bias), both of n rows. Neither product is rounded before the activation.
struct ActivatedProductKernel {
  ProductKernel product;
  shape::Activation function = shape::Activation::gelu;
  Gelu gelu = Gelu::tanh;
  bool gated = false;
};
inline constexpr std::int64_t most_activated_rows = 8;

/// Fused attention, forward: q, k, v, [lengths], [slots], o. Query row i of sequence b is row b queries + i of q; key j
/// of it lies at k + b k_sequence + j k_stride. With `lengths` (int32, one a sequence) a sequence has that many keys,
/// at most `attention.keys`, and causal and window count from its own end: query i stands at lengths[b] - queries + i;
/// a query that stands before the first key is computed as if it stood there. With `slots` (int32, one a sequence) its
/// keys and values are those of sequence slots[b]; of a negative slot nothing is read, and its rows of o become 0. With
/// splits > 0 a row of o has the same bits whatever other rows, sequences and slots there are, and wherever among its
/// sequence's queries it stands: what counts is its own q, the keys that it sees and their positions.
struct AttentionKernel {
  op::Attention attention;
  std::int64_t q_stride = 0;
  std::int64_t k_stride = 0;
  std::int64_t v_stride = 0;
  std::int64_t o_stride = 0;
  std::int64_t k_sequence = 0;  ///< elements from a sequence's keys to the next sequence's; 0: keys k_stride
  std::int64_t v_sequence = 0;
  bool lengths = false;
  bool slots = false;
  std::int32_t splits = 0;  ///< parts the keys are cut in, each summed on its own; 0: as many as is fast
};

/// A norm over `groups` parts of each row, each `norm.width` wide, side by side, with the same weights: x, weight,
/// [bias], y. `norm.rows` counts rows of x. LayerNorm has a bias; y may be x.
struct NormKernel {
  op::Norm norm;
  float epsilon = 1e-5f;
  std::int64_t groups = 1;
  std::int64_t x_stride = 0;
  std::int64_t y_stride = 0;
  bool constant_weights = false;  ///< as ProductKernel::constant_b
};

/// Rotates, in place, the first `rotary.dim` elements of `rotary.heads` heads that stand side by side in each row,
/// `head_dim` apart: positions (int32, one a token), rotation, x. Row p of rotation (fp32, dim elements) holds cosine
/// and sine of position p at 2 i and 2 i + 1, for element i with element i + dim/2, as Rotary's operand does.
struct RotaryKernel {
  op::Rotary rotary;
  std::int64_t head_dim = 0;
  std::int64_t x_stride = 0;
};

/// Writes rows of keys and values into the cache: positions (int32, one a row), slots (int32, one a row), k, v, key
/// cache, value cache. Row r goes to slot slots[r], position positions[r]: cache + (slot capacity + position) width.
/// Rows with a negative slot are written nowhere.
struct AppendKernel {
  std::int64_t rows = 0;
  std::int64_t key_width = 0;  ///< KV heads times head dimension
  std::int64_t value_width = 0;
  std::int64_t k_stride = 0;
  std::int64_t v_stride = 0;
  std::int64_t capacity = 0;  ///< positions a slot has
  Element element = Element::bf16;
};

/// RotaryKernel of queries and keys, then AppendKernel: positions, slots, rotation, q, k, v, key cache, value cache. q
/// is rotated in place; k stays as it is, its rotated rows go to the cache. `rotary.heads` counts those of the queries.
struct RotaryAppendKernel {
  op::Rotary rotary;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t value_dim = 0;
  std::int64_t q_stride = 0;
  std::int64_t k_stride = 0;
  std::int64_t v_stride = 0;
  std::int64_t capacity = 0;  ///< positions a slot has
};

/// The FFN's activation: x, y; gated: gate, up, y.
struct ActivationKernel {
  op::Activation activation;
  Gelu gelu = Gelu::tanh;
  std::int64_t x_stride = 0;  ///< of gate and up too
  std::int64_t y_stride = 0;
};

/// Rows of a table: tokens (int32), table, [positions (int32), position table], y. Tokens outside the table give zeros.
struct EmbeddingKernel {
  op::Embedding embedding;
  std::int64_t table_rows = 0;
  std::int64_t position_rows = 0;
  std::int64_t position_offset = 0;  ///< added to each position (OPT: 2)
};

/// Rows picked from a matrix: x, indices (int32), y.
struct GatherKernel {
  std::int64_t rows = 0;  ///< picked
  std::int64_t width = 0;
  std::int64_t x_stride = 0;
  Element element = Element::bf16;
};

/// Softmax of attention that is not fused: x, y. Row r is that of query r modulo queries and sees keys - queries + 1 +
/// (r modulo queries) columns where causal, no more than `window` of the last of them where that is positive; the
/// others become 0. y = softmax(scale x).
struct SoftmaxKernel {
  op::Softmax softmax;
  std::int64_t queries = 0;
  float scale = 1;
  bool causal = true;
  std::int64_t window = 0;
};

/// Heads laid out for products of their own, or back: x, y. x[b][t][h][d] to y[b][h repeated][t][d] (`gather`:
/// x[b][h][t][d] to y[b][t][h][d]); each head written `repeat` times, one after the other.
struct HeadsKernel {
  std::int64_t batch = 0;
  std::int64_t tokens = 0;
  std::int64_t heads = 0;  ///< of x
  std::int64_t dim = 0;
  std::int64_t repeat = 1;
  std::int64_t token_stride = 0;     ///< of the token-major array: from a token to the next; 0: heads dim
  std::int64_t sequence_stride = 0;  ///< of the token-major array: from a sequence to the next; 0: tokens token_stride
  bool gather = false;
  Element element = Element::bf16;
};

/// The next token of each row: logits, parameters, tokens (int32, written). Greedy where temperature is 0, the first of
/// equals; otherwise the largest of logit / temperature + Gumbel noise hashed from (seed, position, token), the same
/// whenever and wherever it is drawn. parameters: one SampleParameters a row.
struct SampleKernel {
  std::int64_t rows = 0;
  std::int64_t vocab = 0;
  std::int64_t stride = 0;
  Element element = Element::bf16;
};

struct SampleParameters {
  std::uint64_t seed = 0;
  std::int32_t position = 0;
  float temperature = 0;
};

/// What follows a decoded token, for the next step of the same recording: tokens (int32), positions (int32), lengths
/// (int32), parameters (SampleParameters): each position, length and sampling position of `rows` rows plus 1.
struct AdvanceKernel {
  std::int64_t rows = 0;
};

/// Random weights: y[i] = mean + scale u, u the i-th of random_uniform(seed, ...), in [-1, 1).
struct FillKernel {
  std::int64_t elements = 0;
  Element element = Element::bf16;
  std::uint64_t seed = 0;
  float mean = 0;
  float scale = 1;
};

/// Any of them.
using Kernel = std::variant<ProductKernel, ActivatedProductKernel, AttentionKernel, NormKernel, RotaryKernel,
                            AppendKernel, RotaryAppendKernel, ActivationKernel, EmbeddingKernel, GatherKernel,
                            SoftmaxKernel, HeadsKernel, SampleKernel, AdvanceKernel, FillKernel>;

}  // namespace gemmetry::measure
