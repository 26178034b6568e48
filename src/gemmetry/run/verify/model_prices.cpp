#include "gemmetry/run/verify/model_prices.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "gemmetry/op/lower.h"

namespace gemmetry::run {

std::int64_t prefill_bucket(std::int64_t prompt, std::int64_t capacity) {
  const auto power = static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(prompt)));
  return std::max(prompt, std::min(std::max<std::int64_t>(power, 16), capacity));
}

ModelPrices::ModelPrices(const shape::Model& model, const op::CostModel& costs, const ModelPricesOptions& options)
    : model_(model), costs_(costs), options_(options) {
  shape::validate(pass(1, 1, options.capacity - 1), model);
}

shape::Workload ModelPrices::pass(std::int64_t sequences, std::int64_t new_tokens, std::int64_t context) const {
  shape::Workload workload;
  workload.phase = shape::Phase::decode;
  workload.dtype = options_.dtype;
  workload.batch = sequences;
  workload.new_tokens = new_tokens;
  workload.cache = context;
  return workload;
}

double ModelPrices::time_s(const shape::Workload& workload, std::int64_t rows) {
  op::Program program;
  op::lower(model_, workload, program);
  const op::PricedProgram steps = op::price(program, costs_);
  const op::Pointwise draw{op::Function::copy, rows * model_.vocab, shape::bytes_per_element(options_.dtype), 0};
  return options_.host_s + op::total_time(steps).value + costs_.cost(draw).time_s;
}

double ModelPrices::prefill_s(std::int64_t prompt) {
  const std::int64_t length = prefill_bucket(prompt, options_.capacity);
  const auto [found, fresh] = prefills_.try_emplace(length, 0);
  if (fresh) {
    shape::Workload workload;
    workload.phase = shape::Phase::prefill;
    workload.dtype = options_.dtype;
    workload.batch = 1;
    workload.sequence = length;
    found->second = time_s(workload, 1);
  }
  return found->second;
}

double ModelPrices::decode_s(std::int64_t rows, double context) { return at_context(rows, 1, context); }

double ModelPrices::verify_s(const PassShape& shape, double context) {
  return at_context(shape.batch, shape.window, context);
}

double ModelPrices::at_cache(std::int64_t sequences, std::int64_t new_tokens, std::int64_t cache) {
  const auto [found, fresh] = passes_.try_emplace({sequences, new_tokens, cache}, 0);
  if (fresh) found->second = time_s(pass(sequences, new_tokens, cache), sequences * new_tokens);
  return found->second;
}

double ModelPrices::at_context(std::int64_t sequences, std::int64_t new_tokens, double context) {
  const double longest = static_cast<double>(std::max<std::int64_t>(options_.capacity - new_tokens, 1));
  const double within = std::clamp(context, 1.0, longest);
  const auto low = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(within)));
  const auto high = std::min(2 * low, static_cast<std::int64_t>(longest));
  const double low_s = at_cache(sequences, new_tokens, low);
  if (high <= low) return low_s;
  const double place = (within - static_cast<double>(low)) / static_cast<double>(high - low);
  return low_s + place * (at_cache(sequences, new_tokens, high) - low_s);
}

PassPrices ModelPrices::of(std::shared_ptr<ModelPrices> prices) {
  return {.prefill_s = [prices](std::int64_t prompt) { return prices->prefill_s(prompt); },
          .decode_s = [prices](std::int64_t rows, double context) { return prices->decode_s(rows, context); },
          .verify_s = [prices](const PassShape& shape, double context) { return prices->verify_s(shape, context); }};
}

}  // namespace gemmetry::run
