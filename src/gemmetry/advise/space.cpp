#include "gemmetry/advise/space.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "gemmetry/base/error.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::advise {
namespace {

constexpr std::int64_t hidden_step = 64;
constexpr std::int64_t ffn_step = 8;
constexpr double vocab_growth = 0.02;
constexpr std::int64_t most_layers = 10'000;  // shape::validate's limit

double ratio(std::int64_t a, std::int64_t b) { return static_cast<double>(a) / static_cast<double>(b); }

/// The least of step, 2 step, 4 step, ... that walks from `low` to `high` in at most 2^16 strides: sizes no model has
/// are searched in coarse steps instead of filling the memory.
std::int64_t stride(std::int64_t low, std::int64_t high, std::int64_t step) {
  while ((high - low) / step > 65536) step *= 2;
  return step;
}

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

void sort_unique(std::vector<std::int64_t>& values) {
  std::ranges::sort(values);
  const auto rest = std::ranges::unique(values);
  values.erase(rest.begin(), rest.end());
}

double given_or(double option, double fallback) { return option > 0 ? option : fallback; }

}  // namespace

std::int64_t Choices::shapes() const {
  return std::ssize(layers) * std::ssize(attention) * std::ssize(ffn) * std::ssize(vocab);
}

Space::Space(const shape::Model& model, const shape::Workload& workload, const SearchOptions& options)
    : model_(model), workload_(workload), origin_(sizes_of(model)), free_(options.free), head_dims_(options.head_dims) {
  // The heads of latent attention share a rank: their number and dimension belong to it and stay.
  if (model.attention.latent) free_.heads = free_.kv_heads = false;
  if (!free_.heads && !free_.kv_heads && !free_.ffn && !free_.vocab && !free_.hidden && !free_.layers)
    throw Error(
        model.attention.latent && (options.free.heads || options.free.kv_heads)
            ? "nothing is free: the heads of latent attention are not searched; free ffn, vocab, hidden or layers"
            : "nothing is free: free one or more of heads, kv_heads, ffn, vocab, hidden, layers");
  const double own_ffn = ratio(origin_.ffn, origin_.hidden);
  ffn_over_hidden_ = {given_or(options.ffn_over_hidden_low, 0.75 * own_ffn),
                      given_or(options.ffn_over_hidden_high, 1.25 * own_ffn)};
  const double own_depth = ratio(origin_.layers, origin_.hidden);
  depth_over_width_ = {given_or(options.depth_over_width_low, 0.5) * own_depth,
                       given_or(options.depth_over_width_high, 2.0) * own_depth};
  const auto target = static_cast<double>(options.parameters.value_or(shape::count_parameters(model).total));
  least_ = static_cast<std::int64_t>(std::ceil(target * (1 - options.smaller)));
  most_ = static_cast<std::int64_t>(std::floor(target * (1 + options.tolerance)));
  hidden_ = hidden_choices();
}

Choices Space::at(std::int64_t hidden) const {
  return {hidden, layer_choices(hidden), attention_choices(hidden), ffn_choices(hidden), vocab_choices()};
}

/// Multiples of 64, and the model's own, from half to twice of it.
std::vector<std::int64_t> Space::hidden_choices() const {
  std::vector<std::int64_t> choices{origin_.hidden};
  if (free_.hidden) {
    const std::int64_t low = std::max<std::int64_t>(origin_.hidden / 2, 1), high = 2 * origin_.hidden;
    const std::int64_t step = stride(low, high, hidden_step);
    for (std::int64_t h = round_up(low, step); h <= high; h += step) choices.push_back(h);
  }
  sort_unique(choices);
  return choices;
}

std::vector<std::int64_t> Space::layer_choices(std::int64_t hidden) const {
  std::int64_t first = origin_.layers, last = origin_.layers;
  if (free_.layers) {
    const auto h = static_cast<double>(hidden);
    first = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(depth_over_width_.low * h)));
    last = std::min(most_layers, static_cast<std::int64_t>(std::floor(depth_over_width_.high * h)));
  }
  const bool own = !free_.hidden && !free_.layers;
  std::vector<std::int64_t> choices;
  for (std::int64_t layers = first; layers <= last; ++layers)
    if (layers % workload_.pipeline_parallel == 0 && (own || depth_over_width_.holds(ratio(layers, hidden))))
      choices.push_back(layers);
  return choices;
}

/// Heads of the listed dimensions whose width beside the hidden size is the model's own (1 where the head dimension is
/// h/a).
std::vector<AttentionChoice> Space::attention_choices(std::int64_t hidden) const {
  const std::int64_t own_width = origin_.heads * origin_.head_dim;
  std::vector<AttentionChoice> choices;
  const auto add = [&](std::int64_t heads, std::int64_t kv_heads, std::int64_t head_dim) {
    Sizes sizes = origin_;
    sizes.heads = heads;
    sizes.kv_heads = kv_heads;
    sizes.head_dim = head_dim;
    if (possible(sizes)) choices.push_back({heads, kv_heads, head_dim});
  };
  const auto with_kv_heads = [&](std::int64_t heads, std::int64_t head_dim) {
    const std::int64_t sharing = origin_.heads / origin_.kv_heads;
    if (free_.kv_heads) {
      for (std::int64_t kv = 1; kv * kv <= heads; ++kv) {
        if (heads % kv != 0) continue;
        add(heads, kv, head_dim);
        if (kv != heads / kv) add(heads, heads / kv, head_dim);
      }
    } else if (origin_.kv_heads == 1) {
      add(heads, 1, head_dim);
    } else if (heads % sharing == 0) {
      add(heads, heads / sharing, head_dim);
    }
  };
  if (model_.attention.latent || (!free_.heads && hidden == origin_.hidden)) {
    if (model_.attention.latent)
      choices.push_back({origin_.heads, origin_.kv_heads, origin_.head_dim});
    else
      with_kv_heads(origin_.heads, origin_.head_dim);
    return choices;
  }
  for (const std::int64_t head_dim : head_dims_) {
    // own_width / origin hidden in lowest terms, so that products of large sizes do not overflow.
    const std::int64_t common = std::gcd(own_width, origin_.hidden);
    if (hidden % (origin_.hidden / common) != 0) continue;
    const std::int64_t width = hidden / (origin_.hidden / common) * (own_width / common);
    if (width % head_dim != 0) continue;
    const std::int64_t heads = width / head_dim;
    if (heads < 1 || (!free_.heads && heads != origin_.heads)) continue;
    with_kv_heads(heads, head_dim);
  }
  return choices;
}

/// Multiples of 8 in the band, and the model's own width at its own hidden size.
std::vector<std::int64_t> Space::ffn_choices(std::int64_t hidden) const {
  std::vector<std::int64_t> choices;
  const bool own_hidden = hidden == origin_.hidden;
  if (free_.ffn) {
    const auto h = static_cast<double>(hidden);
    const auto low = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(ffn_over_hidden_.low * h)));
    const auto high = static_cast<std::int64_t>(std::floor(ffn_over_hidden_.high * h));
    const std::int64_t step = stride(low, high, ffn_step);
    for (std::int64_t width = round_up(low, step); width <= high; width += step) choices.push_back(width);
    if (own_hidden) choices.push_back(origin_.ffn);
  } else if (own_hidden) {
    choices.push_back(origin_.ffn);
  } else {
    // The model's own ratio, rounded to what its own width is a multiple of (64 at most).
    const std::int64_t step = std::min<std::int64_t>(hidden_step, origin_.ffn & -origin_.ffn);
    const double follows = ratio(origin_.ffn, origin_.hidden) * static_cast<double>(hidden);
    choices.push_back(
        std::max(step, static_cast<std::int64_t>(std::llround(follows / static_cast<double>(step))) * step));
  }
  sort_unique(choices);
  std::erase_if(choices, [&](std::int64_t width) {
    Sizes sizes = origin_;
    sizes.ffn = width;
    return !possible(sizes);
  });
  return choices;
}

/// The model's own and the next multiples of 8, 16, ... 256, also on each tensor-parallel rank, up to 2 % above it.
std::vector<std::int64_t> Space::vocab_choices() const {
  std::vector<std::int64_t> choices{origin_.vocab};
  if (free_.vocab)
    for (std::int64_t multiple = 8; multiple <= 256; multiple *= 2)
      for (const std::int64_t parts : {std::int64_t{1}, workload_.tensor_parallel}) {
        const std::int64_t grown = round_up(origin_.vocab, multiple * parts);
        if (ratio(grown, origin_.vocab) <= 1 + vocab_growth) choices.push_back(grown);
      }
  sort_unique(choices);
  return choices;
}

/// Whether the workload can split the given model with these sizes.
bool Space::possible(const Sizes& sizes) const {
  return shape::impossible_splits(workload_, with_sizes(model_, sizes)).empty();
}

}  // namespace gemmetry::advise
