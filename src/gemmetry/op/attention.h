#pragma once

#include <cstdint>
#include <string_view>
#include <tuple>

#include "gemmetry/op/field.h"
#include "gemmetry/shape/dtype.h"

namespace gemmetry::op {

using shape::Dtype;

/// Fused scaled-dot-product attention: softmax(q k^T) v in one kernel, scores never written. One query and a long cache
/// is decode.
struct Attention {
  std::int64_t batch = 1;
  std::int64_t queries = 0;  ///< query tokens of a sequence
  std::int64_t keys = 0;     ///< key and value tokens of a sequence, the queries' own among them
  std::int64_t heads = 1;
  std::int64_t kv_heads = 1;
  std::int64_t head_dim = 128;
  std::int64_t value_dim = 128;
  std::int64_t window = 0;  ///< keys a query sees at most; 0: all
  bool causal = true;       ///< the last query sees all keys, the one before all but one, ...
  bool backward = false;    ///< gradients of q, k and v; the forward's product is computed again inside
  Dtype dtype = Dtype::bf16;

  static constexpr std::string_view kind = "attention";
  static constexpr auto fields() {
    return std::make_tuple(Field{"batch", &Attention::batch, false}, Field{"queries", &Attention::queries, true},
                           Field{"keys", &Attention::keys, true}, Field{"heads", &Attention::heads, true},
                           Field{"kv_heads", &Attention::kv_heads, false},
                           Field{"head_dim", &Attention::head_dim, true},
                           Field{"value_dim", &Attention::value_dim, false}, Field{"window", &Attention::window, false},
                           Field{"causal", &Attention::causal, false}, Field{"backward", &Attention::backward, false},
                           Field{"dtype", &Attention::dtype, false});
  }
  bool operator==(const Attention&) const = default;
};

/// Query-key pairs of one head of one sequence that are not masked away.
double unmasked_pairs(const Attention& attention);

/// Two products forward, five backward, counted over unmasked pairs only.
double flop(const Attention& attention);
/// q, k, v read and o written (backward: those, the output's gradient and statistics read, three gradients written).
double bytes(const Attention& attention);

}  // namespace gemmetry::op
