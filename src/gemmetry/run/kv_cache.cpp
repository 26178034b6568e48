#include "gemmetry/run/kv_cache.h"

#include <fmt/format.h>

#include "gemmetry/run/planned.h"

namespace gemmetry::run {
namespace {

std::int64_t bytes_of(std::int64_t tokens, std::int64_t width, shape::Dtype dtype) {
  return aligned(tokens * width * element_bytes(measure::element_of(dtype)));
}

}  // namespace

KvCache::KvCache(measure::Backend& backend, const shape::Model& model, shape::Dtype dtype, std::int64_t slots,
                 std::int64_t capacity)
    : slots_(slots),
      capacity_(capacity),
      element_(measure::element_of(dtype)),
      keys_bytes_(bytes_of(slots * capacity, model.attention.kv_heads * model.attention.head_dim, dtype)),
      values_bytes_(bytes_of(slots * capacity, model.attention.kv_heads * model.attention.value_dim, dtype)),
      memory_(backend, model.layers * (keys_bytes_ + values_bytes_),
              fmt::format("the cache of {} for {} x {} tokens", model.name, slots, capacity)) {}

std::int64_t KvCache::bytes_a_token(const shape::Model& model, shape::Dtype dtype) {
  const shape::AttentionShape& a = model.attention;
  return model.layers * a.kv_heads * (a.head_dim + a.value_dim) * element_bytes(measure::element_of(dtype));
}

void KvCache::fill(measure::Backend& backend, std::uint64_t seed) { fill(backend, seed, 1); }
void KvCache::clear(measure::Backend& backend) { fill(backend, 0, 0); }

void KvCache::fill(measure::Backend& backend, std::uint64_t seed, float scale) {
  const std::int64_t elements = memory_.bytes() / element_bytes(element_);
  Planned(backend, measure::FillKernel{elements, element_, seed, 0, scale}).run({memory_.at()});
}

}  // namespace gemmetry::run
