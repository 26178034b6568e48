#include "gemmetry/advise/sizes.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace gemmetry::advise {
namespace {

/// `part` as large beside `whole` as it was beside `old_whole`, and even, as a rotated dimension must be.
std::int64_t even_share(std::int64_t part, std::int64_t old_whole, std::int64_t whole) {
  if (part == old_whole || whole == old_whole) return part == old_whole ? whole : part;
  return part * whole / old_whole / 2 * 2;
}

struct Difference {
  std::string_view name;
  std::int64_t from;
  std::int64_t to;
};

std::array<Difference, 7> compare(const Sizes& from, const Sizes& to) {
  const bool head_dim_follows = from.heads * from.head_dim == to.heads * to.head_dim || from.hidden != to.hidden;
  return {{{"hidden", from.hidden, to.hidden},
           {"layers", from.layers, to.layers},
           {"heads", from.heads, to.heads},
           {"KV heads", from.kv_heads, to.kv_heads},
           {"head dim", head_dim_follows ? to.head_dim : from.head_dim, to.head_dim},
           {"FFN", from.ffn, to.ffn},
           {"vocab", from.vocab, to.vocab}}};
}

}  // namespace

Sizes sizes_of(const shape::Model& model) {
  const shape::AttentionShape& attention = model.attention;
  return {.hidden = model.hidden,
          .layers = model.layers,
          .heads = attention.heads,
          .kv_heads = attention.kv_heads,
          .head_dim = attention.head_dim,
          .ffn = model.experts ? model.experts->width : model.ffn.width,
          .vocab = model.vocab};
}

void apply(const Sizes& sizes, const shape::Model& from, shape::Model& scratch) {
  scratch.hidden = sizes.hidden;
  if (from.embedding_width == from.hidden) scratch.embedding_width = sizes.hidden;
  if (scratch.layers != sizes.layers) {
    scratch.layers = from.layers;
    scratch.layer_kinds = from.layer_kinds;
    shape::set_layers(scratch, sizes.layers);
  }
  scratch.attention.heads = sizes.heads;
  scratch.attention.kv_heads = sizes.kv_heads;
  if (!from.attention.latent) {
    scratch.attention.head_dim = sizes.head_dim;
    scratch.attention.value_dim = sizes.head_dim;
    scratch.attention.rotary_dim = even_share(from.attention.rotary_dim, from.attention.head_dim, sizes.head_dim);
  }
  if (from.experts) {
    scratch.experts->width = sizes.ffn;
    if (from.experts->shared_width % from.experts->width == 0)
      scratch.experts->shared_width = from.experts->shared_width / from.experts->width * sizes.ffn;
  } else {
    scratch.ffn.width = sizes.ffn;
  }
  scratch.vocab = sizes.vocab;
}

shape::Model with_sizes(const shape::Model& from, const Sizes& sizes) {
  shape::Model model = from;
  apply(sizes, from, model);
  return model;
}

int differences(const Sizes& from, const Sizes& to) {
  int count = 0;
  for (const Difference& size : compare(from, to)) count += size.from != size.to;
  return count;
}

std::string change(const Sizes& from, const Sizes& to) {
  std::string text;
  for (const Difference& size : compare(from, to)) {
    if (size.from == size.to) continue;
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {} -> {}", size.name, size.from, size.to);
  }
  return text.empty() ? "none" : text;
}

}  // namespace gemmetry::advise
